import { RequestError } from "../../foundation/errors.ts";

/**
 * Allows every kind of port. Then anybody who may write a Device can select any port that the gateway's machine
 * reaches.
 */
export const anyPort: readonly string[] = ["/dev/*", "pty:*", "unix:*", "tcp:*"];

/**
 * Checks that a port in a Device is one that the gateway's operator allows.
 * @param allowed exact ports, or prefixes that end with `*`
 * @throws RequestError PORT_NOT_ALLOWED
 */
export function expectAllowed(port: string, allowed: readonly string[]): void {
  const climbs = port.split("/").includes("..");
  const named = allowed.some((entry) =>
    entry.endsWith("*") ? port.startsWith(entry.slice(0, -1)) : port === entry,
  );
  if (named && !climbs) return;
  throw new RequestError(
    "PORT_NOT_ALLOWED",
    `port "${port}": ${climbs ? "expected a path without .." : "the setting serial.ports does not name it"}`,
    { port },
  );
}

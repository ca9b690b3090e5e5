import { RequestError } from "../../foundation/errors.ts";

/** Every form of port. Whoever may write a Device then chooses among all that the gateway's machine reaches. */
export const anyPort: readonly string[] = ["/dev/*", "pty:*", "unix:*", "tcp:*"];

/**
 * Keeps the ports that Devices name to those that the gateway's operator has named.
 * @param allowed ports to the letter, or their beginnings with a `*` at the end
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

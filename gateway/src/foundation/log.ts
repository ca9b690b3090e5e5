import { type DestinationStream, pino } from "pino";

/**
 * A structured log. Constant lower-case messages plus fields of one vocabulary:
 * device node link session command peer durationMs code.
 */
export type Logger = pino.Logger;

/** Paths whose values never reach a log line. */
const secretPaths = ["password", "token", "key", "*.password", "*.token", "*.key", "secret", "*.secret"];

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Creates the root log: JSON lines on stdout unless a destination is given. debug: normal work; info: a state change
 * that an operator may need; warn: a peer misbehaved; error: the gateway failed.
 */
export function createLogger(options: { level: LogLevel; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretPaths, censor: "[redacted]" },
  };
  const children = new Set<WeakRef<Logger>>();
  const onChild = (child: Logger) => {
    for (const known of children) if (!known.deref()) children.delete(known);
    children.add(new WeakRef(child));
  };
  const log = options.destination
    ? pino({ ...settings, onChild }, options.destination)
    : pino({ ...settings, onChild });
  childrenOf.set(log, children);
  return log;
}

/** By root log: a child has a level of its own, which would stay behind. */
const childrenOf = new WeakMap<Logger, ReadonlySet<WeakRef<Logger>>>();

/** Changes the lowest level that is logged, for the root log and all its children. */
export function setLogLevel(log: Logger, level: LogLevel): void {
  log.level = level;
  for (const child of childrenOf.get(log) ?? []) {
    const known = child.deref();
    if (known) known.level = level;
  }
}

/**
 * Switches between debug and the configured level, and logs the change; if the configured level is debug, switches
 * between debug and info.
 */
export function toggleDebug(log: Logger, configured: LogLevel): void {
  const quiet = configured === "debug" ? "info" : configured;
  const level = log.level === "debug" ? quiet : "debug";
  // Said while debug is on: the quiet level may be too quiet for it.
  if (level === "debug") setLogLevel(log, level);
  log.info({ logLevel: level }, "log level changed");
  setLogLevel(log, level);
}

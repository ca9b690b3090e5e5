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
 * Makes the root log: JSON lines on stdout unless a destination is given.
 * debug: all is well; info: a state change an operator may want; warn: a peer misbehaved; error: we failed.
 */
export function createLogger(options: { level: LogLevel; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretPaths, censor: "[redacted]" },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

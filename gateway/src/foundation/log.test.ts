import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, type LogLevel, setLogLevel, toggleDebug } from "./log.ts";

function logInto(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level, destination: { write: (text) => void lines.push(JSON.parse(text)) } });
  return { log, lines, messages: () => lines.map(({ level: at, msg }) => `${at}: ${msg}`) };
}

test("a changed level holds for children too, those of children included, and for later ones", () => {
  const { log, messages } = logInto("info");
  const child = log.child({ port: "a" });
  const grandchild = child.child({ device: "lamp" });
  setLogLevel(log, "debug");
  for (const each of [log, child, grandchild, log.child({})]) each.debug("seen");
  setLogLevel(log, "error");
  for (const each of [log, child, grandchild, log.child({})]) each.warn("not seen");
  assert.deepEqual(messages(), Array(4).fill("debug: seen"));
});

test("the toggle goes to debug and back to the configured level, and says both", () => {
  for (const configured of ["info", "warn", "error", "silent"] as const) {
    const { log, lines } = logInto(configured);
    toggleDebug(log, configured);
    assert.equal(log.level, "debug");
    toggleDebug(log, configured);
    assert.equal(log.level, configured);
    assert.deepEqual(
      lines.map(({ level, msg, logLevel }) => [level, msg, logLevel]),
      ["debug", configured].map((level) => ["info", "log level changed", level]),
    );
  }
});

test("where debug is configured the toggle goes to info and back", () => {
  const { log } = logInto("debug");
  toggleDebug(log, "debug");
  assert.equal(log.level, "info");
  toggleDebug(log, "debug");
  assert.equal(log.level, "debug");
});

test("secrets do not reach a line", () => {
  const { log, lines } = logInto("info");
  log.info({ password: "hunter2", identity: { key: "hunter2" } }, "identity created");
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
});

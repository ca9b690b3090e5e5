import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { logEventsIn } from "../scripts/reference/log-events.ts";
import { type DeclaredMetric, metricsIn, metricsMissed } from "../scripts/reference/metrics.ts";
import { gaps, operationsTables } from "../scripts/reference/operations.ts";
import { withTables } from "../scripts/reference/tables.ts";

const told = (source: string) =>
  logEventsIn(source, "a.ts").map(({ level, message, fields, openAt }) => [level, message, fields, openAt]);

test("log events are found with level, message and fields", () => {
  assert.deepEqual(told('this.#log.info("opened: why?");'), [["info", "opened: why?", [], []]]);
  assert.deepEqual(
    told('log.warn({ device: f(a, { b: "x, y" }), "err": `c, d` /* , d */ }, "lost, again");'),
    [["warn", "lost, again", ["device", "err"], []]],
  );
  assert.deepEqual(told('log.debug("not for operators"); catalog.info("no log"); Math.log(2);'), []);
});

test("fields may come from a constant above, and what cannot be seen is told", () => {
  const source = `
    const fields = { path, code: x.code };
    if (bad) log.error({ ...fields, err: messageOf(error), ...rest() }, "failed");
    else log.info(fields, "done");`;
  assert.deepEqual(told(source), [
    ["error", "failed", ["path", "code", "err"], ["rest()"]],
    ["info", "done", ["path", "code"], []],
  ]);
});

test("either message of a condition is an event; any other expression is refused with its place", () => {
  const source = 'log.warn({ err }, reason === "open" ? "cannot be opened" : "lost: for good");';
  assert.deepEqual(
    logEventsIn(source, "a.ts").map(({ message }) => message),
    ["cannot be opened", "lost: for good"],
  );
  assert.throws(() => logEventsIn("\nlog.warn(`lost`);", "a.ts"), /a\.ts:2: expected a constant message/);
});

test("metrics are found with type, help and labels; what is not constant is refused", () => {
  const source = `
    this.#a = options.metrics.counter("motelet_a_total", "Things.", [
      "reason",
      "code",
    ]);
    metrics.gauge("motelet_b", "Others");`;
  assert.deepEqual(metricsIn(source, "a.ts"), [
    { name: "motelet_a_total", type: "counter", help: "Things", labels: ["reason", "code"] },
    { name: "motelet_b", type: "gauge", help: "Others", labels: [] },
  ]);
  assert.throws(() => metricsIn("metrics.gauge(name, help)", "a.ts"), /a\.ts:1: expected a metric's name/);
  assert.throws(() => metricsIn('metrics.gauge("motelet_b", "x", labels)', "a.ts"), /expected label names/);
  assert.equal(metricsMissed('made("motelet_c")', "a.ts", metricsIn(source, "a.ts")).length, 1);
});

test("what an operator meets and nobody has explained is a gap, and so is a text that is left over", () => {
  const metric = (name: string): DeclaredMetric => ({ name, type: "counter", help: "x", labels: [] });
  const metrics = [metric("motelet_x_refused_total"), metric("motelet_y_total")];
  const events = logEventsIn(
    'log.warn({ peer }, "w"); log.error({ ...all }, "e"); log.info({ peer }, "i");',
    "a.ts",
  );
  assert.deepEqual(gaps(metrics, events, { fields: {}, metrics: {}, events: {} }), [
    "metric motelet_x_refused_total counts failures and has no text",
    'warn event "w" (a.ts:1) has no text',
    'error event "e" (a.ts:1) has no text',
    "a.ts:1: cannot see the fields of all; list them",
    "field peer has no meaning",
  ]);
  const advice = {
    fields: { peer: "who" },
    metrics: { motelet_x_refused_total: "a | b" },
    events: { w: { advice: "w" }, e: { advice: "e", fields: ["peer"] } },
  };
  assert.deepEqual(gaps(metrics, events, advice), []);
  assert.match(operationsTables(metrics, events, advice).metrics ?? "", /\| a \\\| b \|/);
  const more = { fields: { z: "?" }, metrics: { motelet_z: "?" }, events: { z: { advice: "?" } } };
  assert.deepEqual(gaps([], [], more), [
    "there is no metric motelet_z",
    'there is no event "z"',
    "there is no field z",
  ]);
});

test("tables go between their marks, and every table has its place", () => {
  const page = "a\n<!-- generated: one -->\nold\n<!-- end generated -->\nb\n";
  assert.equal(withTables(page, { one: "new\n" }), page.replace("old", "new"));
  assert.throws(() => withTables(page, { one: "", two: "" }), /one place for each table: two/);
  assert.throws(() => withTables(page, {}), /one place for each table: one/);
});

test("every reason and condition that people meet in the cluster stands in docs/operations.md", () => {
  const root = join(import.meta.dirname, "../..");
  const files = globSync("gateway/src/{mirror,resources}/*.ts", { cwd: root });
  const sources = files
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  const told = /(?:reason: |#(?:find|reportNoNode|tellNoNode|tellNoPod)\(\s*\w+,\s*)"([A-Z][A-Za-z0-9]+)"/g;
  const names = [...sources.matchAll(told), ...sources.matchAll(/"(motelet\.dev\/[A-Z]\w+)"/g)];
  const page = readFileSync(join(root, "docs/operations.md"), "utf8");
  const section = page.slice(page.indexOf("## Conditions and Events"), page.indexOf("## Restarts"));
  const missing = names.map(([, name = ""]) => name).filter((name) => !section.includes(name));
  assert.ok(names.length > 30, `${names.length} found`);
  assert.deepEqual(missing, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatStamp, LogFormat } from "./container-logs.ts";

const stampMs = Date.parse("2026-11-21T07:35:00.120Z");

test("stamps have nine digits whatever they end with", () => {
  assert.equal(formatStamp(stampMs), "2026-11-21T07:35:00.120000000Z");
  assert.equal(formatStamp(Date.parse("2026-11-21T07:35:00Z")), "2026-11-21T07:35:00.000000000Z");
});

test("a line that comes in parts is stamped once, at its start", () => {
  const format = new LogFormat(true);
  const stamp = "2026-11-21T07:35:00.120000000Z";
  const entries = ["first\n", "par", "tial", " line\n", "", "next"].map((text) => ({ stampMs, text }));
  assert.equal(format.batch(entries), `${stamp} first\n${stamp} partial line\n${stamp} next`);
  assert.equal(format.batch([{ stampMs, text: "!\n" }]), "!\n");
});

test("what has to stand in a line of its own ends the line before", () => {
  const format = new LogFormat(true);
  const stamp = "2026-11-21T07:35:00.120000000Z";
  const own = { stampMs, text: "motelet: gone\n", ownLine: true };
  assert.equal(
    format.batch([{ stampMs, text: "> " }, own, own]),
    `${stamp} > \n${stamp} motelet: gone\n${stamp} motelet: gone\n`,
  );
});

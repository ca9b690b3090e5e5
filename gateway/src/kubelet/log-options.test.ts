import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLogOptions } from "./log-options.ts";

const nowMs = Date.parse("2026-11-21T12:00:00Z");
const parse = (query: string) => parseLogOptions(new URLSearchParams(query), nowMs);
const plain = { follow: false, previous: false, timestamps: false, onlyStderr: false };

for (const [query, options] of [
  ["", {}],
  ["follow=true&previous=1&timestamps=", { follow: true, previous: true, timestamps: true }],
  ["follow=false&previous=0&timestamps=False", {}],
  ["tailLines=0", { tailLines: 0 }],
  ["tailLines=10&tail=3", { tailLines: 3 }],
  ["tailLines=10&tail=all", {}],
  ["tailLines=10&tail=", { tailLines: 10 }],
  ["limitBytes=1", { limitBytes: 1 }],
  ["sinceSeconds=1", { sinceMs: nowMs - 1_000 }],
  ["sinceTime=2026-11-21T13:00:00.5%2B02:00", { sinceMs: Date.parse("2026-11-21T11:00:00.500Z") }],
  ["sinceTime=2026-11-21T11:00:00.0001Z", { sinceMs: Date.parse("2026-11-21T11:00:00.001Z") }],
  ["sinceTime=2028-02-29T00:00:00Z", { sinceMs: Date.parse("2028-02-29T00:00:00Z") }],
  ["sinceTime=", {}],
  ["stream=Stdout", {}],
  ["stream=Stderr", { onlyStderr: true }],
  ["tailLines=9223372036854775807", { tailLines: 2 ** 63 }],
  ["insecureSkipTLSVerifyBackend=true&container=device", {}],
] as const) {
  test(`"${query}" is understood`, () => {
    assert.deepEqual(parse(query), { ...plain, ...options });
  });
}

for (const [query, code] of [
  ["tailLines=x", "QUERY_UNDECODABLE"],
  ["tailLines=", "QUERY_UNDECODABLE"],
  ["tailLines=1.5", "QUERY_UNDECODABLE"],
  ["tailLines=9223372036854775808", "QUERY_UNDECODABLE"],
  ["sinceTime=yesterday", "QUERY_UNDECODABLE"],
  ["sinceTime=2026-13-01T00:00:00Z", "QUERY_UNDECODABLE"],
  ["sinceTime=2026-02-29T00:00:00Z", "QUERY_UNDECODABLE"],
  ["sinceTime=2026-11-21T00:00:60Z", "QUERY_UNDECODABLE"],
  ["sinceTime=2026-11-21 00:00:00Z", "QUERY_UNDECODABLE"],
  ["stream=stderr", "QUERY_INVALID"],
  ["stream=Stdout&tailLines=1", "QUERY_INVALID"],
  ["sinceSeconds=1&sinceTime=", "QUERY_INVALID"],
  ["tailLines=-1", "QUERY_INVALID"],
  ["limitBytes=0", "QUERY_INVALID"],
  ["sinceSeconds=0", "QUERY_INVALID"],
  ["sinceSeconds=1&sinceTime=2026-11-21T11:00:00Z", "QUERY_INVALID"],
  ["tailLines=-1&limitBytes=x", "QUERY_UNDECODABLE"],
] as const) {
  test(`"${query}" is refused as ${code}`, () => {
    assert.throws(() => parse(query), { code });
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultParameters } from "./parameters.ts";
import { RecentRequests } from "./recent-requests.ts";

test("a duplicate is recognised until the lifetime of its exchange is over", () => {
  const requests = new RecentRequests(8, defaultParameters);
  const { request } = requests.add(1, true, 0);
  requests.add(2, false, 0);
  assert.equal(requests.find(1, 246_999), request);
  assert.equal(requests.find(1, 247_000), undefined);
  assert.equal(requests.find(2, 144_999)?.messageId, 2);
  assert.equal(requests.find(2, 145_000), undefined);
});

test("the last 8 requests are remembered, and the oldest is forgotten for a ninth", () => {
  const requests = new RecentRequests(8, defaultParameters);
  for (let id = 1; id <= 8; id++) assert.equal(requests.add(id, true, 0).evicted, false);
  assert.ok(requests.find(1, 1));
  assert.equal(requests.add(9, true, 0).evicted, true);
  assert.equal(requests.find(1, 1), undefined);
  const second = requests.find(2, 1);
  assert.ok(second);
  second.reply = Uint8Array.of(1);
  assert.equal(requests.add(10, true, 0).evicted, false, "the second one was answered");
  assert.equal(requests.size, 8);
});

test("an id that is used again after its lifetime replaces the old request", () => {
  const requests = new RecentRequests(8, defaultParameters);
  requests.add(1, true, 0);
  const { request } = requests.add(1, true, 300_000);
  assert.equal(requests.find(1, 300_001), request);
  assert.equal(requests.size, 1);
});

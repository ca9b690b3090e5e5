import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessError, RequestError } from "../../foundation/errors.ts";
import { negotiateProtocol, parseStreamOptions, spdyProtocols } from "./negotiate.ts";

for (const [offered, chosen] of [
  [["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io"], "v4.channel.k8s.io"],
  [["v5.channel.k8s.io, v4.channel.k8s.io"], "v4.channel.k8s.io"],
  [["v2.channel.k8s.io", "v4.channel.k8s.io"], "v2.channel.k8s.io"],
  [["channel.k8s.io"], "channel.k8s.io"],
] as const) {
  test(`of ${offered.join(" | ")} the client's first known one is taken`, () => {
    assert.equal(negotiateProtocol(offered, spdyProtocols), chosen);
  });
}

test("no protocol is a bad request, none in common is forbidden", () => {
  assert.throws(() => negotiateProtocol([], spdyProtocols), RequestError);
  assert.throws(() => negotiateProtocol([" , "], spdyProtocols), RequestError);
  assert.throws(() => negotiateProtocol(["v5.channel.k8s.io"], spdyProtocols), AccessError);
});

for (const [query, options] of [
  ["input=1&output=1&error=1", { tty: false, stdin: true, stdout: true, stderr: true }],
  ["output=1&error=1&tty=1", { tty: true, stdin: false, stdout: true, stderr: false }],
  ["output=true&input=1", { tty: false, stdin: true, stdout: false, stderr: false }],
] as const) {
  test(`${query} asks for these streams`, () => {
    assert.deepEqual(parseStreamOptions(new URLSearchParams(query)), options);
  });
}

for (const query of ["", "output=0", "error=1&tty=1"]) {
  test(`"${query}" asks for no stream and is refused`, () => {
    assert.throws(() => parseStreamOptions(new URLSearchParams(query)), RequestError);
  });
}

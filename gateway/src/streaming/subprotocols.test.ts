import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessError, RequestError } from "../foundation/errors.ts";
import { spdyProtocols } from "./remotecommand/protocols.ts";
import { negotiateProtocol } from "./subprotocols.ts";

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

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as breathe } from "node:timers/promises";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { ReviewKubeClient } from "../../../test/fakes/review-kube-client.ts";
import { ConfigError } from "../../foundation/errors.ts";
import { createLogger } from "../../foundation/log.ts";
import { ClientCa } from "./client-ca.ts";

class Following {
  readonly kube = new ReviewKubeClient();
  readonly clock = new ManualClock();
  readonly taken: string[] = [];
  readonly lines: string[] = [];
  readonly reads: string[] = [];
  readonly clientCa = new ClientCa({
    kube: this.kube,
    clock: this.clock,
    log: createLogger({
      level: "warn",
      destination: { write: (line: string) => void this.lines.push(line) },
    }),
    onRead: (outcome) => this.reads.push(outcome),
    onChange: (pem) => {
      if (pem === "bad") throw new ConfigError("CLIENT_CA", "the client CA has no certificate");
      this.taken.push(pem);
    },
  });

  async after(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await breathe();
  }
}

test("a client CA that changes in the cluster is taken within a minute, once", async () => {
  const following = new Following();
  following.kube.clientCa = "first";
  await following.clientCa.start();
  await following.after(60_000);
  assert.deepEqual(following.taken, ["first"]);
  following.kube.clientCa = "second";
  await following.after(59_999);
  assert.deepEqual(following.taken, ["first"]);
  await following.after(1);
  assert.deepEqual(following.taken, ["first", "second"]);
  await following.clientCa[Symbol.asyncDispose]();
  following.kube.clientCa = "third";
  await following.after(600_000);
  assert.equal(following.taken.length, 2);
});

test("while the API server is unreachable the known one stays, and it is asked again soon", async () => {
  const following = new Following();
  following.kube.isDown = true;
  await following.clientCa.start();
  assert.deepEqual(following.taken, []);
  following.kube.isDown = false;
  following.kube.clientCa = "first";
  await following.after(1_000);
  assert.deepEqual(following.taken, ["first"]);
  following.kube.isDown = true;
  for (let minute = 0; minute < 10; minute++) await following.after(60_000);
  following.kube.isDown = false;
  following.kube.clientCa = "second";
  await following.after(60_000);
  assert.deepEqual(following.taken, ["first", "second"]);
  assert.match(following.lines[0] ?? "", /cannot take the client CA/);
  await following.clientCa[Symbol.asyncDispose]();
});

test("a bundle that cannot be used, and none at all, leave the one before", async () => {
  const following = new Following();
  following.kube.clientCa = "first";
  await following.clientCa.start();
  following.kube.clientCa = "bad";
  await following.after(60_000);
  following.kube.clientCa = undefined;
  await following.after(60_000);
  following.kube.clientCa = "second";
  await following.after(60_000);
  assert.deepEqual(following.taken, ["first", "second"]);
  assert.deepEqual(new Set(following.reads), new Set(["ok", "failed", "missing"]));
  await following.clientCa[Symbol.asyncDispose]();
});

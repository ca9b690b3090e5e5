import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };

async function attach(kubelet: KubeletUnderTest, flags: string, types: readonly string[]) {
  const answer = await kubelet.spdyUpgrade(`/attach/default/lamp/device?${flags}`, ["v4.channel.k8s.io"]);
  assert.equal(answer.code, 101);
  const client = answer.client!;
  const ids: Record<string, number> = {};
  for (const type of types) ids[type] = await client.open(type);
  return { client, ids };
}

test("the console's output comes, input goes to it, and its end is a success", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client, ids } = await attach(kubelet, "input=1&output=1&error=1", [
    "error",
    "stdin",
    "stdout",
    "stderr",
  ]);
  await client.send(ids.stdin!, Buffer.from("ps\n"));
  await until("an answer", () => client.received(ids.stdout!) >= "console\nPS\n".length);
  await client.send(ids.stdin!, new Uint8Array(0), true);
  assert.equal((await client.read(ids.stdout!)).toString(), "console\nPS\n");
  assert.deepEqual(JSON.parse((await client.read(ids.error!)).toString()), {
    metadata: {},
    status: "Success",
  });
  assert.deepEqual(kubelet.attach.requests, [{ stdin: true, stdout: true, tty: false }]);
  client.close();
});

test("a client that leaves detaches; the console is free again", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client, ids } = await attach(kubelet, "output=1", ["error", "stdout"]);
  await until("output", () => client.received(ids.stdout!) > 0);
  assert.equal(kubelet.attach.open, 1);
  client.socket.destroy();
  await until("detached", () => kubelet.attach.open === 0);
});

test("with a tty there is a resize stream and no stderr", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client, ids } = await attach(kubelet, "input=1&output=1&error=1&tty=1", [
    "error",
    "stdin",
    "stdout",
    "resize",
  ]);
  await client.send(ids.resize!, Buffer.from('{"Width":79,"Height":24}\n{"Width":80,"Height":24}\n'));
  await client.send(ids.stdin!, Buffer.from("quit\n"));
  assert.equal((await client.read(ids.stdout!)).toString(), "console\n");
  client.close();
});

test("a device that dies ends attach with a sentence", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client, ids } = await attach(kubelet, "output=1", ["error", "stdout"]);
  await until("output", () => client.received(ids.stdout!) > 0);
  kubelet.attach.lose("device default/lamp went offline");
  const status = JSON.parse((await client.read(ids.error!)).toString());
  assert.equal(status.message, "UNAVAILABLE: device default/lamp went offline");
  client.close();
});

test(
  "an offline device is told before the upgrade, but its open serial line is attached to",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    kubelet.registry.learn("default/lamp", { phase: "Offline" });
    const path = "/attach/default/lamp/device?output=1";
    const refused = await kubelet.spdyUpgrade(path, ["v4.channel.k8s.io"]);
    assert.deepEqual([refused.code, refused.body], [503, "device default/lamp is offline (never seen)"]);
    kubelet.attach.isOnLine = true;
    assert.equal((await kubelet.execUpgrade(["ps"], "output=1")).code, 503);
    const { client, ids } = await attach(kubelet, "output=1", ["error", "stdout"]);
    await until("output", () => client.received(ids.stdout!) > 0);
    client.close();
  },
);

test("attach without a stream, and without an upgrade, is refused in words", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const none = await kubelet.spdyUpgrade("/attach/default/lamp/device", ["v4.channel.k8s.io"]);
  assert.deepEqual([none.code, none.body], [400, "you must specify at least 1 of stdin, stdout, stderr"]);
  assert.deepEqual(await kubelet.get("/attach/default/lamp/device?output=1"), {
    code: 400,
    body: "Upgrade request required",
  });
});

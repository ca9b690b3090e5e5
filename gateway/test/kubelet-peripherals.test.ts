import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };

async function start(): Promise<KubeletUnderTest> {
  const kubelet = await new KubeletUnderTest().start();
  const { spec } = kubelet.registry.get("default/lamp")!;
  kubelet.registry.admit({ ...spec, peripherals: ["relay0"] });
  return kubelet;
}

test(
  "exec in a peripheral's container gives the command to the peripheral, not to the shell",
  deadline,
  async () => {
    await using kubelet = await start();
    const path = "/exec/default/lamp/relay0?command=echo&command=on&output=1";
    const { client, code } = await kubelet.spdyUpgrade(path, ["v4.channel.k8s.io"]);
    assert.equal(code, 101);
    await client!.open("error");
    const stdout = await client!.open("stdout");
    assert.equal((await client!.read(stdout)).toString(), "on\n");
    client!.close();
    assert.deepEqual(kubelet.invoke.peripherals, ["relay0"]);
    assert.deepEqual(kubelet.exec.started, []);
  },
);

test("attach to a peripheral is refused in plain words, before the upgrade", deadline, async () => {
  await using kubelet = await start();
  const answer = await kubelet.spdyUpgrade("/attach/default/lamp/relay0?output=1", ["v4.channel.k8s.io"]);
  assert.equal(answer.code, 400);
  assert.match(answer.body ?? "", /relay0 is a peripheral of the device/);
});

test("a container that the profile does not name is not there", deadline, async () => {
  await using kubelet = await start();
  const answer = await kubelet.spdyUpgrade("/exec/default/lamp/relay1?command=x&output=1", [
    "v4.channel.k8s.io",
  ]);
  assert.equal(answer.code, 404);
});

test("a peripheral's log is empty: what the device says is the device's", deadline, async () => {
  await using kubelet = await start();
  assert.deepEqual(await kubelet.get("/containerLogs/default/lamp/relay0"), { code: 200, body: "" });
});

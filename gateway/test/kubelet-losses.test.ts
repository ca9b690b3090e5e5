import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import process from "node:process";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { DeviceLog } from "../src/devices/log/device-log.ts";
import { Registry } from "../src/devices/registry.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { openStore } from "../src/store/store.ts";
import { ChannelClient } from "./fakes/channel-client.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";
import { liveBytes } from "./fakes/live-memory.ts";

const rounds = process.env.MOTELET_SOAK ? 1_000 : 20;
const lost = "device default/lamp went offline";

/** One conversation of each kind, in both carriers; all are up when it resolves. */
async function begin(kubelet: KubeletUnderTest) {
  const exec = await kubelet.execUpgrade(["hang"], "output=1");
  const attach = await kubelet.spdyUpgrade("/attach/default/lamp/device?output=1", ["v4.channel.k8s.io"]);
  const forward = await kubelet.spdyUpgrade("/portForward/default/lamp", ["portforward.k8s.io"]);
  const spdy = [exec.client!, attach.client!, forward.client!] as const;
  const [execError, attachError] = [await spdy[0].open("error"), await spdy[1].open("error")];
  await spdy[0].open("stdout");
  await spdy[1].open("stdout");
  const forwardError = await spdy[2].open({ streamtype: "error", port: "22", requestid: "1" });
  await spdy[2].open({ streamtype: "data", port: "22", requestid: "1" });
  const channels = await ChannelClient.open(
    kubelet.webSocket("/exec/default/lamp/device?command=hang&output=1", ["v5.channel.k8s.io"]),
  );
  await until(
    "all are up",
    () => kubelet.exec.open === 2 && kubelet.dial.open === 1 && kubelet.attach.open === 1,
  );
  return { spdy, channels, errors: { execError, attachError, forwardError } };
}

async function assertNothingLeft(kubelet: KubeletUnderTest): Promise<void> {
  await until("nothing runs", () => kubelet.exec.open + kubelet.dial.open + kubelet.attach.open === 0);
  await until("no stream is open", async () => {
    const streams = await kubelet.metrics.valueOf("motelet_kubelet_open_streams");
    return streams === 0 && (await kubelet.metrics.valueOf("motelet_kubelet_open_port_forwards")) === 0;
  });
}

/** A kubelet over a store whose log of the device has a line, and a way to follow it. */
async function startWithLog() {
  const registry = new Registry(() => Date.now());
  registry.admit({ namespace: "default", name: "lamp", uid: "uid-lamp", nodeName: "lamp", paused: false });
  registry.learn("default/lamp", { phase: "Online" });
  const store = openStore({ path: ":memory:", metrics: new Metrics() });
  await store.database.write((transaction) =>
    store.logs.append(transaction, "uid-lamp", "this", [{ stampMs: 0, text: "a line\n" }]),
  );
  const kubelet = await new KubeletUnderTest({
    registry,
    logs: new DeviceLog(registry, store.logs),
  }).start();
  const follow = async () => {
    const request = get(kubelet.options("/containerLogs/default/lamp/device?follow=true"));
    request.on("error", () => undefined);
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    const follower = { request, text: "", ended: new Promise((resolve) => answer.once("close", resolve)) };
    answer.on("error", () => undefined);
    answer.setEncoding("utf8").on("data", (text: string) => {
      follower.text += text;
    });
    await until("the log", () => follower.text === "a line\n");
    return follower;
  };
  return {
    kubelet,
    registry,
    follow,
    async [Symbol.asyncDispose]() {
      await kubelet[Symbol.asyncDispose]();
      store[Symbol.dispose]();
    },
  };
}

const sockets = () => process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Socket/.test(name)).length;

for (const [what, round] of [
  [
    "the device dies",
    async (kubelet: KubeletUnderTest) => {
      const { spdy, channels, errors } = await begin(kubelet);
      kubelet.exec.lose(lost);
      kubelet.dial.lose(lost);
      kubelet.attach.lose(lost);
      for (const [client, id] of [
        [spdy[0], errors.execError],
        [spdy[1], errors.attachError],
        [spdy[2], errors.forwardError],
      ] as const)
        assert.ok((await client.read(id)).toString().includes(lost));
      await channels.closed;
      assert.ok(channels.text(3).includes(lost));
      for (const client of spdy) client.close();
      await Promise.all(spdy.map((client) => client.closed));
    },
  ],
  [
    "the clients go without a word",
    async (kubelet: KubeletUnderTest) => {
      const { spdy, channels } = await begin(kubelet);
      for (const client of spdy) client.socket.destroy();
      channels.webSocket.terminate();
      await channels.closed;
    },
  ],
] as const) {
  test(`${rounds} times ${what}: no socket, stream or memory is left`, { timeout: 1_800_000 }, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const play = async (times: number) => {
      for (let done = 0; done < times; done++) {
        await round(kubelet);
        await assertNothingLeft(kubelet);
      }
    };
    await play(Math.min(rounds, 20));
    await until("sockets are closed", () => sockets() <= 2);
    const heldBytes = await liveBytes();
    await play(rounds);
    await until("sockets are closed", () => sockets() <= 2);
    const grown = (await liveBytes()) - heldBytes;
    assert.ok(grown < 3_000_000, `${grown} bytes more are alive after ${rounds} rounds`);
  });
}

test(`${rounds} times a device that is followed dies, or its followers go: nothing is left`, {
  timeout: 1_800_000,
}, async () => {
  await using bed = await startWithLog();
  const { kubelet, registry, follow } = bed;
  const openStreams = () => kubelet.metrics.valueOf("motelet_kubelet_open_streams");
  const play = async (times: number) => {
    for (let done = 0; done < times; done++) {
      const [first, second, gone] = await Promise.all([follow(), follow(), follow()]);
      gone.request.destroy();
      registry.learn("default/lamp", { phase: "Offline" });
      for (const follower of [first, second]) {
        await follower.ended;
        assert.match(follower.text, /^a line\nmotelet: device default\/lamp is offline.*\n$/);
      }
      await until("nobody follows", async () => (await openStreams()) === 0);
      registry.learn("default/lamp", { phase: "Online" });
    }
  };
  await play(Math.min(rounds, 20));
  const heldBytes = await liveBytes();
  await play(rounds);
  await until("sockets are closed", () => sockets() <= 2);
  const grown = (await liveBytes()) - heldBytes;
  assert.ok(grown < 3_000_000, `${grown} bytes more are alive after ${rounds} rounds`);
});

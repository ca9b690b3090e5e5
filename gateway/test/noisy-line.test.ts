import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "@motelet/profiles";
import { noisyLine } from "../../profiles/test/noisy-line.ts";
import { soak } from "../../profiles/test/soak.ts";
import { ConsoleText, consoleDropCounter } from "../src/devices/log/console-text.ts";
import { DeviceLog, type DeviceLogReader } from "../src/devices/log/device-log.ts";
import { Registry } from "../src/devices/registry.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { openStore } from "../src/store/store.ts";
import type { LineEvents } from "../src/transport/serial/line.ts";
import { SerialChannel } from "../src/transport/serial/serial-channel.ts";
import { SerialMeters } from "../src/transport/serial/serial-meters.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";
import { ManualClock } from "./fakes/manual-clock.ts";

const path = "/containerLogs/default/lamp/device";

/** Takes in what arrives on a serial line as the gateway does, down to the log of its device. */
async function logOf(chunks: readonly { readonly at: number; readonly bytes: Uint8Array }[], endsAt: number) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const store = openStore({ path: ":memory:", metrics, clock, commitSpacingMs: 0 });
  const registry = new Registry(() => 0);
  registry.admit({ namespace: "default", name: "lamp", uid: "u1", nodeName: "lamp", paused: false });
  let line: LineEvents | undefined;
  const channel = new SerialChannel({
    line: { bufferedBytes: 0, listen: (events) => (line = events), write: () => {}, close: () => {} },
    port: "unix:/run/lamp",
    rtoMs: 500,
    clock,
    meters: new SerialMeters(metrics),
  });
  const text = new ConsoleText({ device: "u1", store, clock, dropped: consoleDropCounter(metrics) });
  channel.begin({ message: () => {}, console: (bytes) => text.push(bytes), closed: () => {} }, () => {});
  for (const { at, bytes } of chunks) {
    clock.advance(at - clock.monotonicMs());
    line?.data(bytes);
  }
  clock.advance(endsAt - clock.monotonicMs());
  text[Symbol.dispose]();
  store.database.flush();
  await store.logs.settled();
  return { reader: new DeviceLog(registry, store.logs), store };
}

test("each line of text that was sent whole over a bad line is in what kubectl logs asks for", async () => {
  let reader: DeviceLogReader | undefined;
  await using kubelet = await new KubeletUnderTest({
    logs: { read: (key, query) => reader?.read(key, query) },
  }).start();
  for (let seed = 0; seed < 100 * soak; seed++) {
    const noisy = noisyLine(seed, limits.messageBytes);
    const log = await logOf(noisy.chunks, noisy.endsAt);
    reader = log.reader;
    const { code, body } = await kubelet.get(path);
    assert.equal(code, 200, body);
    let from = 0;
    for (const sent of noisy.lines) {
      const line = sent.replace("\r\n", "\n");
      const at = body.indexOf(line, from);
      assert.ok(at >= 0, `seed ${seed}: the line ${JSON.stringify(line)} is not in the log`);
      from = at + line.length;
    }
    log.store[Symbol.dispose]();
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { soak } from "../../../profiles/test/soak.ts";
import { key, startBed, startDevice } from "./device-bed.ts";
import { UdpProxy } from "./udp-proxy.ts";

/** A twentieth of the times of a real network, so that the counts fit a test: 300 ms of jitter and 2 s are 15 ms and 100 ms. */
const network = { loss: 0.2, duplicates: 0.2, jitterMs: 15 };
const rtoMs = 100;
const commands = soak === 1 ? 10 : 1_000;
const reports = soak === 1 ? 40 : 10_000;

for (const protection of ["plain", "OSCORE"]) {
  test(`${protection}: over a network that loses and repeats a fifth of all datagrams, each command and each report has its effect once, in order`, async (context) => {
    const oscore = protection === "OSCORE";
    const seed = Number(process.env.MOTELET_SEED ?? 12);
    await using stack = new AsyncDisposableStack();
    const { plane, metrics, port, isOnline, run } = await startBed(stack, { rtoMs, oscore });
    const proxy = stack.use(new UdpProxy(port, { ...network, seed }));
    const effects: string[] = [];
    const count = {
      usage: "count NUMBER",
      what: "has an effect that must not be repeated",
      run: (process: { exit(code: number): void; print(text: string): void }, args: readonly string[]) => {
        effects.push(args[0] ?? "");
        process.print(`${args[0]}\n`);
        process.exit(0);
        return undefined;
      },
    };
    const { device } = await startDevice(stack, await proxy.start(), {
      rtoMs,
      oscore,
      shell: new Map([["count", count]]),
      logRingBytes: 1_048_576,
    });
    await until("the device is online", isOnline, 30_000);
    let reported = 0;
    for (let number = 0; number < commands; number++) {
      for (; reported < ((number + 1) * reports) / commands; reported++) device.log(`report ${reported}`);
      assert.equal(await run("count", `${number}`), `${number}\n`);
    }
    assert.deepEqual(
      effects,
      Array.from({ length: commands }, (_, number) => `${number}`),
    );
    const stored = async () => {
      const query = { previous: false, follow: false, signal: AbortSignal.timeout(60_000) };
      const lines: string[] = [];
      for await (const batch of plane.logs.read(key, query) ?? [])
        for (const { text } of batch) if (text.startsWith("report ")) lines.push(text.trim());
      return lines;
    };
    const deadline = performance.now() + 20_000 * soak;
    while ((await stored()).length < reports && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(
      await stored(),
      Array.from({ length: reports }, (_, number) => `report ${number}`),
    );
    const { carried, lost, duplicated } = proxy.counts;
    assert.ok(lost > 0 && duplicated > 0);
    context.diagnostic(
      `seed ${seed}: ${carried} datagrams carried, ${lost} lost, ${duplicated} of them twice; ` +
        `${await metrics.valueOf("motelet_coap_duplicates_total")} duplicate requests, ` +
        `${await metrics.valueOf("motelet_coap_retransmitted_total")} retransmissions by the gateway`,
    );
  });
}

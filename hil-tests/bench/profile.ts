/**
 * Why a bring-up takes as long as it does: processor time of everybody in it, and requests by kind, compared with kwok's.
 *
 *   node hil-tests/bench/profile.ts [--devices 1000] [--kwok] [--cpu-prof <folder>]
 */
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { auditedRequests, countRequests } from "./audit.ts";
import { BenchCluster } from "./bench-cluster.ts";
import { bringUp } from "./bring-up.ts";
import { CpuAccount } from "./cpu-account.ts";
import { kwokBringUp } from "./kwok.ts";

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "1000" },
    kwok: { type: "boolean", default: false },
    "cpu-prof": { type: "string" },
  },
});
const devices = Number(values.devices);
const profileFolder = values["cpu-prof"];
const print = (line: string) => void process.stdout.write(`${line}\n`);

await using folder = makeTemporaryFolder("motelet-profile-");
const auditLog = path.join(folder.path, "audit.log");
await using cluster = await BenchCluster.start(auditLog);
const servers = cluster.servers();

/** Accounts for processor time and requests, section by section. */
class Sections {
  readonly #account: CpuAccount;
  readonly #ended: { readonly name: string; readonly fromMs: number; readonly toMs: number }[] = [];
  #fromMs = Date.now();

  constructor(more: Readonly<Record<string, number>>) {
    this.#account = new CpuAccount(new Map([...servers, ...Object.entries(more), ["bench", process.pid]]));
  }

  end(name: string): void {
    const toMs = Date.now();
    if (profileFolder) print(`(monotonic ${process.hrtime.bigint() / 1000n} µs)`);
    const spent = this.#account.take();
    const each = Object.entries(spent).map(
      ([who, seconds]) => `${who} ${((seconds / devices) * 1000).toFixed(2)}`,
    );
    const sum = Object.values(spent).reduce((total, seconds) => total + seconds, 0);
    const ms = ((sum / devices) * 1000).toFixed(1);
    print(
      `${name}: ${((toMs - this.#fromMs) / 1000).toFixed(2)} s; ${ms} ms of processor a device: ${each.join(", ")}`,
    );
    this.#ended.push({ name, fromMs: this.#fromMs, toMs });
    this.#fromMs = toMs;
  }

  /** Prints who asked what in each section, a device. */
  async requests(): Promise<void> {
    for (const { name, fromMs, toMs } of this.#ended) {
      const counts = await countRequests(
        auditedRequests(auditLog, fromMs, toMs),
        ({ user, verb, resource, code }) =>
          `${user.replace(/^system:(serviceaccount:)?/, "")} ${verb} ${resource} ${code}`,
      );
      print(`requests a device, ${name}:`);
      for (const [what, count] of [...counts].filter(([, count]) => count >= devices / 50))
        print(`  ${(count / devices).toFixed(2)} ${what}`);
    }
  }
}

if (values.kwok) {
  let sections: Sections | undefined;
  const rates = await kwokBringUp(cluster, devices, {
    began: ({ pid }) => {
      sections = new Sections({ kwok: pid });
    },
    ready: () => sections?.end("kwok"),
  });
  print(`kwok ${rates.readyPerSecond.toFixed(1)}/s`);
  await sections?.requests();
}
const flags = profileFolder ? ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`] : [];
await using gateway = await cluster.startGateway(flags);
const members = await cluster.makeDevices(0, devices);
let sections: Sections | undefined;
const rates = await bringUp(cluster, gateway, members, 0, {
  began: ({ pid }) => {
    sections = new Sections({ gateway: gateway.process.pid, fleet: pid });
  },
  ready: () => sections?.end("until Ready"),
  part: (collection, sinceMs) => print(`  ${(sinceMs / 1000).toFixed(2)} s ${collection}`),
  settled: () => sections?.end("then until settled"),
});
print(`ready ${rates.readyPerSecond.toFixed(1)}/s, settled ${rates.settledPerSecond.toFixed(1)}/s`);
await sections?.requests();
await rates.fleet.stop();
await gateway.process.stop();

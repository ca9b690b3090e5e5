import { Agent } from "node:https";
import { waitFor } from "../../rig/wait.ts";
import { residentBytes } from "../bench-cluster.ts";
import { cpuSeconds } from "../cpu-account.ts";
import { type Figure, plainFigure } from "../figure.ts";
import { percentile } from "./exec-client.ts";
import type { ExecCluster } from "./exec-cluster.ts";

const lines = 20;
const deadlineMs = 60_000;

/** Many who follow the log of one device: what they cost the gateway, and when a line has reached all of them. */
export async function logFollowerFigures(bench: ExecCluster, followers: number): Promise<Figure[]> {
  const { client, gateway, pods } = bench;
  const [device = ""] = pods;
  const { pid } = gateway.process;
  const heard = new Map<string, number>();
  const toAll = (text: string) =>
    waitFor(() => heard.get(text) === followers, {
      deadlineMs,
      intervalMs: 2,
      what: `"${text}" to reach ${followers} followers`,
    });
  const say = (text: string) => client.roundTrip(device, ["log", text], "");

  await say("first");
  const before = { cpu: cpuSeconds(pid), bytes: residentBytes(pid) };
  const agent = new Agent();
  const following = Array.from({ length: followers }, () =>
    client.follow(device, agent, (line) => void heard.set(line, (heard.get(line) ?? 0) + 1)),
  );
  try {
    await toAll("first");
    const open = { cpu: cpuSeconds(pid), bytes: residentBytes(pid) };
    const times: number[] = [];
    for (let line = 0; line < lines; line++) {
      const startedMs = performance.now();
      await Promise.all([say(`line ${line}`), toAll(`line ${line}`)]);
      times.push(performance.now() - startedMs);
    }
    const cpuOfLines = cpuSeconds(pid) - open.cpu;
    const each = (value: number) => value / followers;
    const name = `logs -f of ${followers}`;
    return [
      { name: `${name}: RSS for each`, value: each(open.bytes - before.bytes) / 1024, unit: "KiB" },
      { name: `${name}: CPU to begin each`, value: each(open.cpu - before.cpu) * 1000, unit: "ms" },
      {
        name: `${name}: CPU of a line for each, exec of log included`,
        value: (each(cpuOfLines) * 1000) / lines,
        unit: "ms",
      },
      {
        name: `${name}: exec of log until all have the line, p50`,
        value: percentile(times, 0.5),
        unit: "ms",
      },
      { name: `${name}: exec of log until all have the line, most`, value: Math.max(...times), unit: "ms" },
    ].map(plainFigure);
  } finally {
    for (const follower of following) follower.close();
    agent.destroy();
  }
}

import type { Figure } from "../figure.ts";
import { execFigures } from "./exec.ts";
import { ExecCluster } from "./exec-cluster.ts";
import { logFollowerFigures } from "./log-followers.ts";
import { portForwardFigures } from "./port-forward.ts";

const devices = 50;
const followers = 100;

/**
 * What goes through the API server to devices, compared with cri-streaming's server in the same run: exec, port-forward, logs -f.
 * @param say is called when something begins
 * @param rounds commands, and keystrokes, on each side
 */
export async function streamFigures(say: (what: string) => void, rounds: number): Promise<Figure[]> {
  say(`a control plane with ${devices} devices`);
  await using bench = await ExecCluster.start(devices);
  say("exec compared with cri-streaming");
  const figures = await execFigures(bench, { rounds, bursts: 3 });
  say("port-forward compared with cri-streaming");
  figures.push(...(await portForwardFigures(bench, { megabytes: 10, rounds: 3 })));
  say(`${followers} followers of a log`);
  figures.push(...(await logFollowerFigures(bench, followers)));
  return figures;
}

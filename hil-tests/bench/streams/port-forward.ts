import { once } from "node:events";
import { connect } from "node:net";
import { RigError } from "../../rig/errors.ts";
import { startProcess } from "../../rig/process.ts";
import { type Figure, plainFigure } from "../figure.ts";
import { percentile } from "./exec-client.ts";
import { type ExecCluster, peerName, peerPod } from "./exec-cluster.ts";

/** Of the echo service, on devices and on the peer. */
const echoPort = 7;
const megabyte = 1_000_000;
const deadlineMs = 120_000;

/** Bytes to the echo service and back through `kubectl port-forward`, on a device and on cri-streaming's server in turns. */
export async function portForwardFigures(
  bench: ExecCluster,
  { megabytes, rounds }: { readonly megabytes: number; readonly rounds: number },
): Promise<Figure[]> {
  const [device = ""] = bench.pods;
  await using mine = await forward(bench, device);
  await using theirs = await forward(bench, peerPod);
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    rates.ours.push(await echoRate(mine.port, megabytes));
    rates.theirs.push(await echoRate(theirs.port, megabytes));
  }
  const value = percentile(rates.ours, 0.5);
  const name = `port-forward, ${megabytes} MB each way at once`;
  const figure = plainFigure({ name, value, unit: "MB/s each way" });
  return [{ ...figure, against: peerName, ratio: value / percentile(rates.theirs, 0.5) }];
}

async function forward(
  { cluster: { plane } }: ExecCluster,
  pod: string,
): Promise<AsyncDisposable & { port: number }> {
  const kubectl = startProcess({
    name: "kubectl port-forward",
    command: plane.kubectlPath,
    args: ["port-forward", `pod/${pod}`, `:${echoPort}`],
    env: plane.kubectlEnvironment(),
  });
  const [, port] = await kubectl.waitForLine(/^Forwarding from 127\.0\.0\.1:(\d+)/, { deadlineMs: 30_000 });
  return { port: Number(port), [Symbol.asyncDispose]: () => kubectl[Symbol.asyncDispose]() };
}

/** @returns megabytes a second, each way */
async function echoRate(port: number, megabytes: number): Promise<number> {
  const total = megabytes * megabyte;
  const socket = connect({ port, host: "127.0.0.1" });
  socket.setTimeout(deadlineMs, () =>
    socket.destroy(new RigError("DEADLINE_PASSED", "the echo stands still")),
  );
  await once(socket, "connect");
  const startedMs = performance.now();
  let returned = 0;
  socket.on("data", (bytes) => {
    returned += bytes.length;
  });
  socket.end(Buffer.alloc(total, "0123456789abcdef~"));
  await once(socket, "end");
  const seconds = (performance.now() - startedMs) / 1000;
  if (returned !== total)
    throw new RigError("ECHO_FAILED", `${returned} of ${total} bytes came back through port-forward`);
  return megabytes / seconds;
}

import type { GatewayProcess } from "../rig/gateway-process.ts";
import { atMost, type Figure, plainFigure } from "./figure.ts";

/** What a gateway has done for a fleet since it began, and whether it could keep up. */
export async function fleetWorkFigures(
  gateway: GatewayProcess,
  devices: number,
  kind: string,
): Promise<Figure[]> {
  const of = `${devices} devices, ${kind}`;
  const reconciles = await gateway.metric("motelet_workqueue_run_seconds_count", { work: "node" });
  return [
    atMost(0, {
      name: `Leases that lapsed, ${of}`,
      value: await gateway.metric("motelet_leases_lapsed_total"),
      unit: "",
    }),
    plainFigure({ name: `reconciles of each Node, ${of}`, value: reconciles / devices, unit: "" }),
  ];
}

/** What waits in a gateway, in one line: why something does not come. */
export async function waitingIn(gateway: GatewayProcess): Promise<string> {
  const metric = await gateway.metrics();
  const lanes = ["high", "middle", "low", "last"].map((lane) => {
    const oldestS = metric("motelet_workqueue_oldest_seconds", { lane });
    return `${lane} ${metric("motelet_workqueue_depth", { lane })} (${oldestS.toFixed(0)} s)`;
  });
  const overdueS = metric("motelet_lease_overdue_seconds").toFixed(1);
  const lapsed = metric("motelet_leases_lapsed_total");
  return `${metric("motelet_workqueue_workers")} workers, queue ${lanes.join(", ")}; leases ${overdueS} s overdue, ${lapsed} lapsed`;
}

import { setTimeout as delay } from "node:timers/promises";
import { gatewayAccount, gatewayNamespace } from "../rig/installation.ts";
import { auditedRequests, countRequests } from "./audit.ts";
import { atMost, type Figure } from "./figure.ts";

/** Leases are renewed every 20 s: three of them, and what settles late is over. */
const calmMs = 20_000;
const lookMs = 60_000;
const gateway = `system:serviceaccount:${gatewayNamespace}:${gatewayAccount}`;
const writes = new Set(["create", "update", "patch", "delete"]);

/** How often the gateway writes for each device that only beats, as the API server's audit log has it. */
export async function restWriteFigures(auditLogPath: string, devices: number): Promise<Figure[]> {
  await delay(calmMs);
  const fromMs = Date.now();
  await delay(lookMs);
  const toMs = Date.now();
  const byResource = await countRequests(
    auditedRequests(auditLogPath, fromMs, toMs),
    // Reviews ask, they write nothing.
    ({ user, verb, resource }) =>
      user === gateway && writes.has(verb) && !resource.endsWith("reviews") ? resource : undefined,
  );
  const each = (count: number) => count / devices / ((toMs - fromMs) / 1000);
  const all = [...byResource.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...byResource].map(([name, count]) => `${count} ${name}`).join(", ");
  return [
    atMost(0.06, {
      name: `API writes of each of ${devices} devices at rest (${parts})`,
      value: each(all),
      unit: "1/s",
    }),
  ];
}

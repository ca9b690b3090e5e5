import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { gatewayAccount, gatewayNamespace } from "../rig/installation.ts";
import { atMost, type Figure } from "./figure.ts";

/** Leases are renewed every 20 s: three of them, and what settles late is over. */
const calmMs = 20_000;
const lookMs = 60_000;
const user = `system:serviceaccount:${gatewayNamespace}:${gatewayAccount}`;
const writes = new Set(["create", "update", "patch", "delete"]);

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

/** How often the gateway writes for each device that only beats, as the API server's audit log has it. */
export async function restWriteFigures(auditLogPath: string, devices: number): Promise<Figure[]> {
  await delay(calmMs);
  const fromMs = Date.now();
  await delay(lookMs);
  const toMs = Date.now();
  const byResource = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(auditLogPath) })) {
    const event = JSON.parse(line) as AuditEvent;
    const atMs = Date.parse(event.requestReceivedTimestamp);
    if (event.user.username !== user || !writes.has(event.verb) || atMs < fromMs || atMs > toMs) continue;
    const { resource = "", subresource } = event.objectRef ?? {};
    // Reviews ask, they write nothing.
    if (resource.endsWith("reviews")) continue;
    const name = subresource ? `${resource}/${subresource}` : resource;
    byResource.set(name, (byResource.get(name) ?? 0) + 1);
  }
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

import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { gatewayAccount, gatewayNamespace } from "../installation.ts";

/** One write of the gateway, as the API server's audit log has it. */
export interface Write {
  readonly atMs: number;
  readonly verb: string;
  /** "nodes/status" */
  readonly resource: string;
  readonly name: string;
  /** HTTP status of the answer. */
  readonly code: number;
}

const user = `system:serviceaccount:${gatewayNamespace}:${gatewayAccount}`;
const verbs = new Set(["create", "update", "patch", "delete"]);

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** What the gateway wrote, refused writes included, between two moments in Unix milliseconds. Reviews ask and write nothing. */
export async function gatewayWrites(
  auditLogPath: string,
  fromMs: number,
  toMs = Date.now(),
): Promise<Write[]> {
  const writes: Write[] = [];
  if (!existsSync(auditLogPath)) return writes;
  for await (const line of createInterface({ input: createReadStream(auditLogPath) })) {
    if (!line.includes(user)) continue;
    const event = JSON.parse(line) as AuditEvent;
    const atMs = Date.parse(event.requestReceivedTimestamp);
    const { resource = "", subresource, name = "" } = event.objectRef ?? {};
    if (event.user.username !== user || !verbs.has(event.verb) || resource.endsWith("reviews")) continue;
    if (atMs < fromMs || atMs > toMs) continue;
    const code = event.responseStatus?.code ?? 0;
    writes.push({
      atMs,
      verb: event.verb,
      resource: subresource ? `${resource}/${subresource}` : resource,
      name,
      code,
    });
  }
  return writes;
}

/** Writes of each device. Node, Lease, Pod and Device bear its name, an Event's name begins with it. */
export function writesOfDevices(
  writes: readonly Write[],
  devices: readonly string[],
): ReadonlyMap<string, readonly Write[]> {
  const byDevice = new Map<string, Write[]>(devices.map((device) => [device, []]));
  for (const write of writes) {
    const device = write.resource === "events" ? write.name.replace(/\.[^.]*$/, "") : write.name;
    byDevice.get(device)?.push(write);
  }
  return byDevice;
}

/** "40 leases, 3 nodes/status": how many of each resource. */
export function tally(writes: readonly Write[]): string {
  const counts = new Map<string, number>();
  for (const { resource } of writes) counts.set(resource, (counts.get(resource) ?? 0) + 1);
  return [...counts].map(([resource, count]) => `${count} ${resource}`).join(", ");
}

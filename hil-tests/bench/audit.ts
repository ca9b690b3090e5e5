import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** One request as the API server's audit log has it. */
export interface AuditedRequest {
  readonly user: string;
  readonly verb: string;
  /** `pods/status`, or `pods` */
  readonly resource: string;
  readonly code: number;
}

/** Requests that were received within a time, in order of their answers. Times are Unix milliseconds. */
export async function* auditedRequests(
  path: string,
  fromMs: number,
  toMs: number,
): AsyncGenerator<AuditedRequest> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const event = JSON.parse(line) as AuditEvent;
    const atMs = Date.parse(event.requestReceivedTimestamp);
    if (atMs < fromMs || atMs > toMs) continue;
    const { resource = "", subresource } = event.objectRef ?? {};
    yield {
      user: event.user.username,
      verb: event.verb,
      resource: subresource ? `${resource}/${subresource}` : resource,
      code: event.responseStatus?.code ?? 0,
    };
  }
}

/** How many requests there were of each kind, `subject` naming the kind; most first. */
export async function countRequests(
  requests: AsyncIterable<AuditedRequest>,
  subject: (request: AuditedRequest) => string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const request of requests) {
    const name = subject(request);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}

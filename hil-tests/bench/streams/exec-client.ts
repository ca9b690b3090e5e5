import { type Agent, request } from "node:https";
import type { Credentials } from "../../../gateway/src/kubeapi/credentials.ts";
import { ChannelClient, webSocketTo } from "../../../gateway/test/fakes/channel-client.ts";
import { RigError } from "../../rig/errors.ts";

/** Channels of v5.channel.k8s.io. */
const channel = { stdin: 0, stdout: 1, error: 3 } as const;
const protocol = "v5.channel.k8s.io";

/** What kubectl says to an API server, without the start of kubectl: each exec on a connection of its own, as there. */
export class ExecClient {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /**
   * Runs a command of a Pod of the namespace default to its end.
   * @returns milliseconds from the first byte of the connection until the server has closed it
   * @throws RigError EXEC_FAILED where it printed something else or did not end well
   */
  async roundTrip(pod: string, argv: readonly string[], expected: string): Promise<number> {
    const startedMs = performance.now();
    const client = await this.open(pod, argv, { stdin: false });
    await client.closed;
    const tookMs = performance.now() - startedMs;
    expectSuccess(client, pod, expected);
    return tookMs;
  }

  /** Starts a command; the caller closes the client. */
  open(pod: string, argv: readonly string[], { stdin }: { readonly stdin: boolean }): Promise<ChannelClient> {
    const { server, ca, cert, key } = this.#credentials;
    const query = new URLSearchParams({
      stdout: "true",
      stderr: "true",
      ...(stdin ? { stdin: "true" } : {}),
    });
    for (const word of argv) query.append("command", word);
    const url = `${server}/api/v1/namespaces/default/pods/${pod}/exec?${query}`;
    const trusted = { ca, cert, key, rejectUnauthorized: true, headers: {} };
    return ChannelClient.open(webSocketTo(url.replace(/^https/, "wss"), [protocol], trusted));
  }

  /** @returns milliseconds until a byte that was typed has come back from `cat` */
  async keystroke(cat: ChannelClient): Promise<number> {
    const before = cat.bytes(channel.stdout).length;
    const startedMs = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (cat.bytes(channel.stdout).length > before) resolve();
    };
    cat.webSocket.on("message", look);
    void cat.closed.then(({ code }) => reject(new RigError("EXEC_FAILED", `cat ended with ${code}`)));
    try {
      await cat.send(channel.stdin, "x");
      await promise;
    } finally {
      cat.webSocket.off("message", look);
    }
    return performance.now() - startedMs;
  }

  /**
   * Follows the log of a Pod, from its last line on.
   * @param line is called with each line
   */
  follow(pod: string, agent: Agent, line: (text: string) => void): { close(): void } {
    const { server, ca, cert, key } = this.#credentials;
    const url = `${server}/api/v1/namespaces/default/pods/${pod}/log?follow=true&tailLines=1`;
    let rest = "";
    const asked = request(url, { ca, cert, key, agent }, (answer) => {
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const complete of lines) line(complete);
      });
    });
    asked.on("error", () => undefined);
    asked.end();
    return { close: () => void asked.destroy() };
  }
}

function expectSuccess(client: ChannelClient, pod: string, expected: string): void {
  const [printed, status] = [client.text(channel.stdout), client.text(channel.error)];
  if (printed === expected && status.includes('"Success"')) return;
  throw new RigError("EXEC_FAILED", `exec on ${pod} printed ${JSON.stringify(printed)}, status ${status}`);
}

/** @param part 0.5: the median */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

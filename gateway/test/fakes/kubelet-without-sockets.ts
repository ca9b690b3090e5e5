import type { IncomingMessage } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { Registry } from "../../src/devices/registry.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import type { Call } from "../../src/kubelet/handlers.ts";
import { declareKubeletMetrics } from "../../src/kubelet/kubelet-metrics.ts";
import { matchRoute } from "../../src/kubelet/routes.ts";
import type { Serving } from "../../src/kubelet/serving.ts";
import { FakeAttach } from "./fake-attach.ts";
import { FakeDial } from "./fake-dial.ts";
import { FakeExec } from "./fake-exec.ts";

/**
 * The streaming handlers as the server calls them, for a caller who may do everything. Fakes: streams in the place of
 * sockets; no HTTP parser, no TLS, no authentication.
 */
export class KubeletWithoutSockets {
  readonly exec = new FakeExec();
  readonly attach = new FakeAttach();
  readonly dial = new FakeDial();
  readonly metrics = new Metrics();
  /** Commands and connections that reached the device. */
  begun = 0;
  readonly #registry = new Registry(() => Date.now());
  readonly #serving: Serving;

  constructor() {
    this.#registry.admit({
      namespace: "default",
      name: "lamp",
      uid: "uid-lamp",
      nodeName: "lamp",
      paused: false,
    });
    this.#registry.learn("default/lamp", { phase: "Online" });
    const parts = {
      registry: this.#registry,
      exec: this.exec,
      attach: this.attach,
      dial: this.dial,
      clock: systemClock,
      log: createLogger({ level: "silent" }),
      meters: declareKubeletMetrics(this.metrics),
      stopping: new AbortController().signal,
    };
    // The handlers that stream need nothing else.
    this.#serving = parts as unknown as Serving;
  }

  /**
   * Serves one upgraded connection on which these bytes come, and loses it.
   * @returns what was answered after the head, once the handler has ended
   */
  async converse(
    path: string,
    headers: Readonly<Record<string, string>>,
    parts: readonly Uint8Array[],
  ): Promise<Buffer> {
    const [client, server] = duplexPair();
    const answered: Buffer[] = [];
    client.on("data", (bytes: Buffer) => answered.push(bytes));
    const serving = this.#serve(path, headers, server);
    for (const part of parts) {
      if (!server.destroyed) client.write(part);
      await turn();
    }
    await turn();
    server.destroy();
    client.destroy();
    await serving;
    this.begun += this.exec.started.length + this.dial.dialled;
    this.exec.started.length = this.dial.dialled = 0;
    const bytes = Buffer.concat(answered);
    return bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  }

  async #serve(path: string, headers: Readonly<Record<string, string>>, socket: Duplex): Promise<void> {
    const mark = path.indexOf("?");
    const match = matchRoute(mark < 0 ? path : path.slice(0, mark));
    const facts = this.#registry.get("default/lamp");
    if (!match?.route.stream || !facts) throw new TypeError(`${path} is no path of a stream`);
    const request = {
      method: "upgrade" in headers && headers.upgrade === "websocket" ? "GET" : "POST",
      headers: { ...headers },
      headersDistinct: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    };
    const call = {
      ...match,
      query: new URLSearchParams(mark < 0 ? "" : path.slice(mark + 1)),
      user: { name: "alice", groups: [] },
      target: { kind: "device", key: facts.key, facts, nodeName: "lamp" },
      nodeName: "lamp",
    } as Call;
    const upgrade = { request: request as unknown as IncomingMessage, socket, head: Buffer.alloc(0) };
    await match.route.stream(call, this.#serving, upgrade);
  }
}

import type { RequestOptions } from "node:https";
import { get as httpsGet } from "node:https";
import type WebSocket from "ws";
import type { ClientOptions } from "ws";
import type { DeviceLogReader } from "../../src/devices/log/device-log.ts";
import { Registry } from "../../src/devices/registry.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { selfSignedCertificate } from "../../src/kubelet/certificates/self-signed.ts";
import { servingSubject } from "../../src/kubelet/certificates/serving-certificate.ts";
import { KubeletServer, type KubeletServerOptions } from "../../src/kubelet/server.ts";
import type { Pod } from "../../src/resources/virtual-pod.ts";
import { webSocketTo } from "./channel-client.ts";
import { FakeAttach } from "./fake-attach.ts";
import { FakeDial } from "./fake-dial.ts";
import { FakeExec } from "./fake-exec.ts";
import { FakeInvoke } from "./fake-invoke.ts";
import { ReviewKubeClient } from "./review-kube-client.ts";
import { type UpgradeAnswer, upgrade } from "./spdy-client.ts";

/** One for all servers of a test file: nobody looks at it. */
const certificate = await selfSignedCertificate({
  subject: servingSubject("motelet", ["127.0.0.1"]),
  nowMs: Date.now(),
});

const noLogs: DeviceLogReader = { read: () => undefined };

/** A kubelet server on a free port of this machine with one online device, `default/lamp` on Node `lamp`. */
export class KubeletUnderTest implements AsyncDisposable {
  readonly kube = new ReviewKubeClient();
  readonly exec = new FakeExec();
  readonly attach = new FakeAttach();
  readonly dial = new FakeDial();
  readonly invoke = new FakeInvoke();
  readonly metrics = new Metrics();
  readonly registry = new Registry(() => Date.now());
  /** As the cluster has them, by the registry's key. */
  readonly pods = new Map<string, Pod>();
  readonly server: KubeletServer;
  port = 0;

  constructor(overrides: Partial<KubeletServerOptions> = {}) {
    this.kube.tokens.set("good-token", "alice");
    this.registry.admit({
      namespace: "default",
      name: "lamp",
      uid: "uid-lamp",
      nodeName: "lamp",
      paused: false,
    });
    this.registry.learn("default/lamp", { phase: "Online" });
    this.server = new KubeletServer({
      host: "127.0.0.1",
      port: 0,
      certificate,
      registry: this.registry,
      exec: this.exec,
      attach: this.attach,
      dial: this.dial,
      invoke: this.invoke,
      logs: noLogs,
      usage: { read: async () => undefined },
      pods: this.pods,
      kube: this.kube,
      clock: systemClock,
      log: createLogger({ level: "silent" }),
      metrics: this.metrics,
      ...overrides,
    });
  }

  async start(): Promise<this> {
    this.port = (await this.server.start()).port;
    return this;
  }

  options(path: string, token = "good-token"): RequestOptions {
    return {
      host: "127.0.0.1",
      port: this.port,
      path,
      agent: false,
      rejectUnauthorized: false,
      headers: token === "" ? {} : { authorization: `Bearer ${token}` },
    };
  }

  get(path: string, extra: RequestOptions = {}): Promise<{ code: number; body: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ code: number; body: string }>();
    const sent = httpsGet({ ...this.options(path), ...extra }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => {
        body += text;
      });
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    return promise;
  }

  /** Upgrades `/exec/default/lamp/device` with this command and these flags. */
  execUpgrade(command: readonly string[], flags: string, extra: RequestOptions = {}): Promise<UpgradeAnswer> {
    const query = command.map((word) => `command=${encodeURIComponent(word)}`).join("&");
    const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io"];
    return this.spdyUpgrade(`/exec/default/lamp/device?${query}&${flags}`, protocols, extra);
  }

  spdyUpgrade(
    path: string,
    protocols: readonly string[],
    extra: RequestOptions = {},
  ): Promise<UpgradeAnswer> {
    const options = this.options(path);
    return upgrade({
      ...options,
      ...extra,
      headers: {
        ...options.headers,
        connection: "Upgrade",
        upgrade: "SPDY/3.1",
        "x-stream-protocol-version": [...protocols],
        ...extra.headers,
      },
    });
  }

  /** A WebSocket that is not open yet. */
  webSocket(path: string, protocols: readonly string[], extra: ClientOptions = {}): WebSocket {
    return webSocketTo(`wss://127.0.0.1:${this.port}${path}`, protocols, extra);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

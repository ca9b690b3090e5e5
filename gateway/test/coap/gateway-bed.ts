import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@motelet/testing";
import type { Config } from "../../src/config.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Gateway } from "../../src/gateway.ts";
import { loadConfig } from "../../src/load-config.ts";
import { ClientAuthority } from "../fakes/client-authority.ts";
import { FakeApiServer } from "../fakes/fake-api-server.ts";
import { upgrade } from "../fakes/spdy-client.ts";

const devices = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";

interface Conditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** What a device has to know of its identity. */
export interface TestIdentity {
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
}

/** Whole gateways, one after the other or several, that serve CoAP only, on a fake API server; their stores are in one folder. */
export class GatewayBed implements AsyncDisposable {
  readonly server: FakeApiServer;
  readonly #folder: string;
  readonly #authority: ClientAuthority;
  readonly #parts = new AsyncDisposableStack();
  /** Certificate and key of the API server, with the first request. */
  #login: ReturnType<ClientAuthority["issue"]> | undefined;

  private constructor(server: FakeApiServer, folder: string, authority: ClientAuthority) {
    this.server = server;
    this.#folder = folder;
    this.#authority = authority;
  }

  static async start(): Promise<GatewayBed> {
    const folder = await mkdtemp(join(tmpdir(), "motelet-coap-"));
    const server = await new FakeApiServer().start();
    const bed = new GatewayBed(server, folder, await ClientAuthority.create());
    bed.#parts.defer(() => rm(folder, { recursive: true, force: true }));
    bed.#parts.use(server);
    server.allowsCallers = true;
    server.put("", { metadata: { name: "version" }, gitVersion: "v1.37.1" } as never);
    return bed;
  }

  /** Starts a gateway with its store in the folder, so that the next one finds it. */
  async startGateway(flags: Readonly<Record<string, string>> = {}): Promise<Gateway> {
    const config = await this.#config(flags);
    const log = createLogger({ level: "silent" });
    return this.#parts.use(await Gateway.start(config, "0.1.0", log, new AbortController().signal));
  }

  /** Deletes the store, as a pod does that comes without its volume. */
  async loseStore(): Promise<void> {
    for (const end of ["", "-wal", "-shm"]) await rm(join(this.#folder, `store.db${end}`), { force: true });
  }

  addDevice(name: string): void {
    this.server.put(devices, {
      apiVersion: "motelet.dev/v1alpha1",
      kind: "Device",
      metadata: { name, namespace: "default" },
      spec: { links: [{ carrier: "coap" }] },
    });
  }

  /** The identity that a gateway has made for the Device. */
  async identityOf(name: string): Promise<TestIdentity> {
    const path = `/api/v1/namespaces/default/secrets/${name}-identity`;
    const secret = await until("the Secret", () => this.server.at(path));
    const { data = {} } = secret as unknown as { data?: Record<string, string> };
    const field = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    return {
      wireId: field("wireId"),
      generation: Number(field("generation") || "1"),
      password: field("password"),
    };
  }

  isReady(name: string): boolean {
    const { status } = (this.server.at(`/api/v1/nodes/${name}`) ?? {}) as Conditions;
    return status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  }

  /** Messages of the Events of a Device. */
  events(name: string): readonly string[] {
    return this.server
      .all("/api/v1/namespaces/default/events")
      .map((event) => event as unknown as { involvedObject?: { name: string }; message?: string })
      .filter(({ involvedObject }) => involvedObject?.name === name)
      .map(({ message }) => message ?? "");
  }

  /** The stdout of a command, as text. */
  async exec(gateway: Gateway, pod: string, ...argv: readonly string[]): Promise<string> {
    return (await this.run(gateway, pod, argv)).toString();
  }

  /**
   * Runs a command through the kubelet API, as a client that the cluster's CA vouches for.
   * @returns its stdout; throws if it does not succeed
   */
  async run(gateway: Gateway, pod: string, argv: readonly string[], input?: Uint8Array): Promise<Buffer> {
    const command = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
    const { client, code, body } = await upgrade({
      ...(await this.#request(
        gateway,
        `/exec/default/${pod}/device?${command}&output=1${input ? "&input=1" : ""}`,
      )),
      headers: {
        connection: "Upgrade",
        upgrade: "SPDY/3.1",
        "x-stream-protocol-version": "v5.channel.k8s.io, v4.channel.k8s.io",
      },
    });
    if (!client) throw new Error(`exec in ${pod}: ${code} ${body}`);
    const error = await client.open("error");
    const stdin = input && (await client.open("stdin"));
    const stdout = await client.open("stdout");
    if (input && stdin !== undefined) {
      for (let at = 0; at < input.length; at += 32_768)
        await client.send(stdin, input.subarray(at, at + 32_768));
      await client.send(stdin, new Uint8Array(0), true);
    }
    const [output, status] = await Promise.all([client.read(stdout), client.read(error)]);
    client.close();
    if (JSON.parse(status.toString()).status !== "Success") throw new Error(`exec in ${pod}: ${status}`);
    return output;
  }

  /** The lines of `kubectl logs`. */
  async logs(gateway: Gateway, pod: string): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get(await this.#request(gateway, `/containerLogs/default/${pod}/device`), (reply) => {
      let text = "";
      reply.setEncoding("utf8");
      reply.on("data", (part: string) => {
        text += part;
      });
      reply.on("end", () => (reply.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    }).on("error", reject);
    return (await promise).trimEnd().split("\n");
  }

  /** The sum of a counter over the labels that begin so. */
  async metric(gateway: Gateway, prefix: string): Promise<number> {
    const reply = await fetch(`http://127.0.0.1:${gateway.ports.operations}/metrics`);
    const lines = (await reply.text()).split("\n").filter((line) => line.startsWith(prefix));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #request(gateway: Gateway, path: string): Promise<RequestOptions> {
    this.#login ??= this.#authority.issue("kube-apiserver");
    const port = gateway.ports.kubelet;
    return { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false, ...(await this.#login) };
  }

  async #config(flags: Readonly<Record<string, string>>): Promise<Config> {
    const kubeconfig = join(this.#folder, "kubeconfig");
    const contexts = [{ name: "fake", context: { cluster: "fake", user: "fake" } }];
    const clusters = [{ name: "fake", cluster: { server: this.server.url } }];
    const users = [{ name: "fake", user: { token: "t" } }];
    await writeFile(kubeconfig, JSON.stringify({ "current-context": "fake", contexts, clusters, users }));
    const caFile = join(this.#folder, "ca.pem");
    await writeFile(caFile, this.#authority.pem);
    const { config } = loadConfig({
      flags: {
        "kubernetes.kubeconfig": kubeconfig,
        "kubelet.host": "127.0.0.1",
        "kubelet.port": "0",
        "kubelet.clientCaFile": caFile,
        "operations.port": "0",
        "mqtt.enabled": "false",
        "coap.enabled": "true",
        "coap.host": "127.0.0.1",
        "coap.port": "0",
        "store.path": join(this.#folder, "store.db"),
        ...flags,
      },
    });
    return config;
  }
}

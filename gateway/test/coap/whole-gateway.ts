import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@motelet/testing";
import { createLogger } from "../../src/foundation/log.ts";
import { Gateway } from "../../src/gateway.ts";
import { loadConfig } from "../../src/load-config.ts";
import { ClientAuthority } from "../fakes/client-authority.ts";
import { FakeApiServer } from "../fakes/fake-api-server.ts";
import { upgrade } from "../fakes/spdy-client.ts";

const devices = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";

/** What the gateway has put into a Device's Secret. */
export interface Identity {
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
}

/** A gateway with CoAP as its only carrier, in front of a fake API server; it can be stopped and started again. */
export class WholeGateway implements AsyncDisposable {
  readonly server: FakeApiServer;
  readonly #folder: string;
  readonly #login: { readonly cert: string; readonly key: string };
  #gateway: Gateway | undefined;
  #coapPort = 0;

  private constructor(
    server: FakeApiServer,
    folder: string,
    login: { readonly cert: string; readonly key: string },
  ) {
    this.server = server;
    this.#folder = folder;
    this.#login = login;
  }

  /** @param names of the Devices */
  static async start(names: readonly string[]): Promise<WholeGateway> {
    const folder = await mkdtemp(join(tmpdir(), "motelet-coap-"));
    const server = await new FakeApiServer().start();
    server.allowsCallers = true;
    server.put("", { metadata: { name: "version" }, gitVersion: "v1.37.1" } as never);
    for (const name of names)
      server.put(devices, {
        apiVersion: "motelet.dev/v1alpha1",
        kind: "Device",
        metadata: { name, namespace: "default" },
        spec: { links: [{ carrier: "coap" }] },
      });
    const contexts = [{ name: "fake", context: { cluster: "fake", user: "fake" } }];
    const clusters = [{ name: "fake", cluster: { server: server.url } }];
    const users = [{ name: "fake", user: { token: "t" } }];
    const kubeconfig = { "current-context": "fake", contexts, clusters, users };
    await writeFile(join(folder, "kubeconfig"), JSON.stringify(kubeconfig));
    const authority = await ClientAuthority.create();
    await writeFile(join(folder, "ca.pem"), authority.pem);
    const whole = new WholeGateway(server, folder, await authority.issue("kube-apiserver"));
    await whole.restart();
    return whole;
  }

  get coapPort(): number {
    return this.#coapPort;
  }

  /** Ends the gateway, in order. */
  async end(): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
    this.#gateway = undefined;
  }

  /** Starts one with the store and the ports for devices of the one before. */
  async restart(): Promise<void> {
    const { config } = loadConfig({
      flags: {
        "kubernetes.kubeconfig": join(this.#folder, "kubeconfig"),
        "kubelet.host": "127.0.0.1",
        "kubelet.port": "0",
        "kubelet.clientCaFile": join(this.#folder, "ca.pem"),
        "operations.port": "0",
        "store.path": join(this.#folder, "store.db"),
        "mqtt.enabled": "false",
        "coap.enabled": "true",
        "coap.insecure": "true",
        "coap.host": "127.0.0.1",
        "coap.rtoMs": "200",
        "coap.port": `${this.#coapPort}`,
      },
    });
    const log = createLogger({ level: "silent" });
    this.#gateway = await Gateway.start(config, "0.1.0", log, new AbortController().signal);
    this.#coapPort = this.#gateway.ports.carriers.coap ?? 0;
  }

  /** Waits for the identity of a Device. */
  async identityOf(name: string): Promise<Identity> {
    const path = `/api/v1/namespaces/default/secrets/${name}-identity`;
    const secret = await until(`the Secret of ${name}`, () => this.server.at(path));
    const { data = {} } = secret as unknown as { data?: Record<string, string> };
    const field = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    return {
      wireId: field("wireId"),
      generation: Number(field("generation") || "1"),
      password: field("password"),
    };
  }

  isNodeReady(name: string): boolean {
    const node = this.server.at(`/api/v1/nodes/${name}`) as
      | { status?: { conditions?: { type: string; status: string }[] } }
      | undefined;
    return node?.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  }

  /** What `kubectl exec` does. @returns stdout; @throws where the command does not succeed */
  async exec(name: string, argv: readonly string[], input?: Uint8Array): Promise<Buffer> {
    const words = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
    const path = `/exec/default/${name}/device?${words}&output=1${input ? "&input=1" : ""}`;
    const headers = {
      connection: "Upgrade",
      upgrade: "SPDY/3.1",
      "x-stream-protocol-version": ["v4.channel.k8s.io"],
    };
    const { client, code, body } = await upgrade({ ...this.#options(path), headers });
    if (!client) throw new Error(`exec in ${name}: ${code} ${body}`);
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
    await client.closed;
    if (JSON.parse(status.toString()).status !== "Success") throw new Error(`exec in ${name}: ${status}`);
    return output;
  }

  /** What `kubectl logs` shows. */
  async logs(name: string): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get(this.#options(`/containerLogs/default/${name}/device`), (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    }).on("error", reject);
    return (await promise).trimEnd().split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #options(path: string): RequestOptions {
    const port = this.#gateway?.ports.kubelet;
    return { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false, ...this.#login };
  }
}

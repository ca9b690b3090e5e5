import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { createLogger } from "../../src/foundation/log.ts";
import { Gateway } from "../../src/gateway.ts";
import { loadConfig } from "../../src/load-config.ts";
import { ClientAuthority } from "../fakes/client-authority.ts";
import { FakeApiServer } from "../fakes/fake-api-server.ts";
import { CoapDeviceLink } from "./device-link.ts";

const devices = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";

/** A configuration that enables CoAP only, on a fake API server. */
async function configFor(folder: string, server: FakeApiServer) {
  const kubeconfig = join(folder, "kubeconfig");
  const contexts = [{ name: "fake", context: { cluster: "fake", user: "fake" } }];
  const clusters = [{ name: "fake", cluster: { server: server.url } }];
  const users = [{ name: "fake", user: { token: "t" } }];
  await writeFile(kubeconfig, JSON.stringify({ "current-context": "fake", contexts, clusters, users }));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, (await ClientAuthority.create()).pem);
  const { config } = loadConfig({
    flags: {
      "kubernetes.kubeconfig": kubeconfig,
      "kubelet.host": "127.0.0.1",
      "kubelet.port": "0",
      "kubelet.clientCaFile": caFile,
      "operations.port": "0",
      "mqtt.enabled": "false",
      "coap.enabled": "true",
      "coap.insecure": "true",
      "coap.host": "127.0.0.1",
      "coap.port": "0",
    },
  });
  return config;
}

test("a Device that lists coap becomes a Ready Node when its device greets with the credential of its Secret", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "motelet-coap-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const server = stack.use(await new FakeApiServer().start());
  server.put("", { metadata: { name: "version" }, gitVersion: "v1.37.1" } as never);
  server.put(devices, {
    apiVersion: "motelet.dev/v1alpha1",
    kind: "Device",
    metadata: { name: "lamp", namespace: "default" },
    spec: { links: [{ carrier: "coap" }] },
  });
  const log = createLogger({ level: "silent" });
  const config = await configFor(folder, server);
  const gateway = stack.use(await Gateway.start(config, "0.1.0", log, new AbortController().signal));
  const port = gateway.ports.carriers.coap ?? 0;
  assert.ok(port > 0);
  const secret = await until("the Secret", () =>
    server.at("/api/v1/namespaces/default/secrets/lamp-identity"),
  );
  const { data = {} } = secret as unknown as { data?: Record<string, string> };
  const field = (name: string) => Buffer.from(data[name] ?? "", "base64").toString();
  const user = `${field("wireId")}.${field("generation") || "1"}`;
  const link = new CoapDeviceLink({ host: "127.0.0.1", port, user, password: field("password") });
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1 });
  await device.start();
  stack.defer(() => device.stop());
  const readyOf = (object: unknown, type: string) => {
    const { status } = object as { status?: { conditions?: { type: string; status: string }[] } };
    return status?.conditions?.find((condition) => condition.type === type)?.status;
  };
  await until("the Node to be Ready", () => {
    const node = server.at("/api/v1/nodes/lamp");
    return node && readyOf(node, "Ready") === "True";
  });
});

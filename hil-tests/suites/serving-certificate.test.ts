import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { Authority } from "../control-plane/authority.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import type { Board } from "../rig/boards/board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  identityOf,
  install,
  kubectlOk,
} from "../rig/installation.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/*
 * The kubelet API's certificate and its callers, with an API server that verifies kubelets (--kubelet-certificate-authority)
 * and a controller manager that signs what an administrator approves.
 */

const device = "lamp";
let cluster: ControlPlane;
let folder: TemporaryFolder;
let token: string;
let tokenKubeconfig: string;
let fleet: Board | undefined;
let mqttPort = 0;
const lines: string[] = [];

/** A gateway with these settings, and the one before ended; the device finds it on the same MQTT port. */
let gateway: GatewayProcess | undefined;

async function startGateway(settings: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  await gateway?.[Symbol.asyncDispose]();
  lines.length = 0;
  gateway = new GatewayProcess({
    kubeconfig: tokenKubeconfig,
    settings: {
      "session.heartbeatS": "2",
      "store.path": `${folder.path}/gateway.db`,
      "mqtt.port": String(mqttPort),
      ...settings,
    },
    onLine: (line) => lines.push(line),
  });
  await gateway.start();
  mqttPort = gateway.ports.mqtt;
  return gateway;
}

before(async () => {
  folder = makeTemporaryFolder("motelet-certificates-");
  cluster = await startControlPlane({ kubeletCertificateAuthority: "own" });
  await install(cluster);
  await kubectlOk(
    cluster,
    "apply",
    "-k",
    fileURLToPath(new URL("../../manifests/serving-csr", import.meta.url)),
  );
  token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  tokenKubeconfig = await cluster.kubeconfigForToken(token);
  await startGateway({ "kubelet.servingCertificate": "csr" });
  await apply(cluster, deviceManifest(device));
  const identity = await waitFor(() => identityOf(cluster, device), {
    deadlineMs: 20_000,
    what: `the Secret ${device}-identity`,
  });
  const members = [{ name: device, board: "esp32-c3", ...identity }];
  fleet = await startReferenceFleet({ mqttPort, members, folder: folder.path });
  await cluster.settled();
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

interface SigningRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly username: string; readonly signerName: string };
  readonly status?: { readonly certificate?: string };
}

async function signingRequests(): Promise<readonly SigningRequest[]> {
  const { body } = await cluster.request("GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests");
  return (body as { items: SigningRequest[] }).items;
}

async function newestRequest(contains: string): Promise<SigningRequest> {
  return waitFor(
    async () =>
      (await signingRequests()).find(
        ({ metadata, status }) => metadata.name.includes(contains) && !status?.certificate,
      ),
    { deadlineMs: 20_000, what: `a request ${contains}` },
  );
}

async function echo(): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await cluster.kubectl(["exec", device, "--", "echo", "hi"], {
    timeoutMs: 20_000,
  });
  return { code, stdout: stdout.toString(), stderr };
}

async function echoes(deadlineMs = 30_000): Promise<void> {
  await waitFor(
    async () => {
      const { code, stdout, stderr } = await echo();
      if (code !== 0) throw new Error(stderr);
      return stdout === "hi\n";
    },
    { deadlineMs, what: "kubectl exec to reach the device", intervalMs: 250 },
  );
}

/** The certificate that a port shows. */
function shownBy(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

describe("a certificate that the cluster signs", { concurrency: false }, () => {
  let issued: X509Certificate;

  test("until somebody has approved it, an API server that verifies kubelets does not talk to us", async () => {
    await waitFor(
      async () => (await kubectlOk(cluster, "get", "pod", device, "--no-headers")).includes("Running"),
      { deadlineMs: 30_000, what: "the device's Pod" },
    );
    const { code, stderr } = await echo();
    assert.notEqual(code, 0);
    assert.match(stderr, /certificate/);
  });

  test("the gateway may not approve its own request, whatever role somebody gives it", async () => {
    const { metadata, spec } = await newestRequest("motelet-serving-all-");
    assert.equal(spec.username, `system:serviceaccount:${gatewayNamespace}:${gatewayAccount}`);
    assert.equal(spec.signerName, "kubernetes.io/kubelet-serving");
    const approve = () =>
      cluster.kubectl(["certificate", "approve", metadata.name], { kubeconfig: tokenKubeconfig });
    assert.match((await approve()).stderr, /forbidden/i);
    await kubectlOk(
      cluster,
      "create",
      "clusterrolebinding",
      "too-much",
      "--clusterrole=cluster-admin",
      `--serviceaccount=${gatewayNamespace}:${gatewayAccount}`,
    );
    await waitFor(async () => /may not approve/.test((await approve()).stderr), {
      deadlineMs: 20_000,
      what: "the policy to refuse the approval",
    });
    const wrongSigner = await cluster.kubectl(["create", "-f", "-"], {
      kubeconfig: tokenKubeconfig,
      input: JSON.stringify({
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name: "client" },
        spec: {
          request: Buffer.from(await requestText(metadata.name), "utf8").toString("base64"),
          signerName: "kubernetes.io/kube-apiserver-client",
          usages: ["client auth"],
        },
      }),
    });
    assert.match(wrongSigner.stderr, /serving certificates of kubelets only/);
    await kubectlOk(cluster, "delete", "clusterrolebinding", "too-much");
    assert.equal((await newestRequest("motelet-serving-all-")).metadata.name, metadata.name);
  });

  test("when an administrator has approved, logs and exec work over both protocols", async () => {
    const { metadata } = await newestRequest("motelet-serving-all-");
    await kubectlOk(cluster, "certificate", "approve", metadata.name);
    await echoes();
    await kubectlOk(cluster, "logs", device);
    const spdy = await cluster.kubectl(["exec", device, "--", "echo", "hi"], {
      env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false" },
    });
    assert.equal(spdy.stdout.toString(), "hi\n");
    issued = await shownBy(gateway?.ports.kubelet ?? 0);
    assert.equal(issued.subject, "O=system:nodes\nCN=system:node:motelet");
    assert.equal(issued.checkIP("127.0.0.1"), "127.0.0.1");
    assert.ok(issued.checkIssued(new X509Certificate(cluster.caPem)));
  });

  test("no line of the gateway shows a key", () => {
    assert.deepEqual(
      lines.filter((line) => line.includes("PRIVATE KEY")),
      [],
    );
  });

  test("a restarted gateway serves the same certificate and asks for nothing", async () => {
    const asked = (await signingRequests()).length;
    const { ports } = await startGateway({ "kubelet.servingCertificate": "csr" });
    assert.equal((await shownBy(ports.kubelet)).fingerprint256, issued.fingerprint256);
    await echoes();
    assert.equal((await signingRequests()).length, asked);
  });
});

/** The PKCS #10 text of a request that is there. */
async function requestText(name: string): Promise<string> {
  const { body } = await cluster.request(
    "GET",
    `/apis/certificates.k8s.io/v1/certificatesigningrequests/${name}`,
  );
  return Buffer.from((body as { spec: { request: string } }).spec.request, "base64").toString();
}

describe("who may call", { concurrency: false }, () => {
  const paths = {
    exec: `/exec/default/${device}/device?command=echo&command=hi&output=1`,
    attach: `/attach/default/${device}/device?output=1`,
    "port-forward": `/portForward/default/${device}?port=7`,
  } as const;
  type Kind = keyof typeof paths;

  interface Caller {
    readonly bearer?: string;
    readonly cert?: string;
    readonly key?: string;
  }

  /** The status with which the listener answers a handshake that comes past the API server. */
  function knock(kind: Kind, how: "SPDY" | "WebSocket", caller: Caller): Promise<number> {
    const { bearer, ...certificate } = caller;
    const protocol = kind === "port-forward" && how === "SPDY" ? "portforward.k8s.io" : "v4.channel.k8s.io";
    const handshake =
      how === "SPDY"
        ? { upgrade: "SPDY/3.1", "x-stream-protocol-version": protocol }
        : {
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": randomBytes(16).toString("base64"),
            "sec-websocket-protocol": protocol,
          };
    return new Promise((resolve, reject) => {
      const sent = request({
        host: "127.0.0.1",
        port: gateway?.ports.kubelet,
        path: paths[kind],
        method: how === "SPDY" ? "POST" : "GET",
        agent: false,
        rejectUnauthorized: false,
        headers: {
          connection: "Upgrade",
          ...handshake,
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        ...certificate,
      });
      sent.once("upgrade", (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode ?? 0);
      });
      sent.once("response", (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      sent.once("error", reject);
      sent.end();
    });
  }

  const callers = new Map<string, { caller: Caller; expected: number }>();

  before(async () => {
    const foreign = await (await Authority.create("elsewhere")).issue({
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["system:masters"],
      usage: "client",
    });
    const namespace = "default";
    for (const name of ["nobody", "reader", "runner"])
      await kubectlOk(cluster, "create", "serviceaccount", name);
    for (const [name, verb] of [
      ["reader", "get"],
      ["runner", "create"],
    ] as const) {
      await kubectlOk(cluster, "create", "clusterrole", name, `--verb=${verb}`, "--resource=nodes/proxy");
      await kubectlOk(
        cluster,
        "create",
        "clusterrolebinding",
        name,
        `--clusterrole=${name}`,
        `--serviceaccount=${namespace}:${name}`,
      );
    }
    const bearer = (name: string) => cluster.serviceAccountToken(namespace, name);
    const own = await cluster.issueCertificate({ commonName: "somebody", usage: "client" });
    callers.set("nobody at all", { caller: {}, expected: 401 });
    callers.set("a wrong token", { caller: { bearer: "wrong" }, expected: 401 });
    callers.set("a certificate of another authority", {
      caller: { cert: foreign.certificate, key: foreign.key },
      expected: 401,
    });
    callers.set("a certificate without rights", {
      caller: { cert: own.certificate, key: own.key },
      expected: 403,
    });
    callers.set("a token without rights", { caller: { bearer: await bearer("nobody") }, expected: 403 });
    callers.set("get nodes/proxy alone", { caller: { bearer: await bearer("reader") }, expected: 403 });
    callers.set("create nodes/proxy", { caller: { bearer: await bearer("runner") }, expected: 101 });
  });

  for (const kind of Object.keys(paths) as Kind[])
    for (const how of ["SPDY", "WebSocket"] as const)
      test(`${kind} over ${how}: 401 to strangers, 403 without create, 101 with it`, async () => {
        for (const [what, { caller, expected }] of callers)
          assert.equal(await knock(kind, how, caller), expected, what);
      });
});

function get(
  port: number,
  path: string,
  bearer: string | undefined,
): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const sent = request({ host: "127.0.0.1", port, path, headers, agent: false, rejectUnauthorized: false });
    sent.once("error", reject);
    sent.once("response", (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => {
        body += text;
      });
      answer.once("end", () => resolve({ code: answer.statusCode ?? 0, body }));
    });
    sent.end();
  });
}

describe("a port for each Node", { concurrency: false }, () => {
  test("has a certificate of that Node, and kubectl reaches the device there", async () => {
    const firstPort = 20_000 + (process.pid % 20_000);
    const { ports } = await startGateway({
      "kubelet.servingCertificate": "csr",
      "kubelet.portPerNode": "true",
      "kubelet.firstNodePort": String(firstPort),
      "kubelet.nodePorts": "20",
    });
    const { metadata } = await newestRequest(`motelet-serving-${device}-`);
    await kubectlOk(cluster, "certificate", "approve", metadata.name);
    const port = await waitFor(
      async () => {
        const told = Number(
          await kubectlOk(
            cluster,
            "get",
            "node",
            device,
            "-o",
            "jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}",
          ),
        );
        return told !== ports.kubelet && told;
      },
      { deadlineMs: 20_000, what: "the Node's own port" },
    );
    assert.ok(port >= firstPort && port < firstPort + 20, String(port));
    await waitFor(
      async () =>
        (await shownBy(port)).subject === `O=system:nodes\nCN=system:node:${device}` &&
        (await shownBy(port)).checkIssued(new X509Certificate(cluster.caPem)),
      { deadlineMs: 20_000, what: "the signed certificate of the Node" },
    );
    await echoes();
    await kubectlOk(cluster, "logs", device);
    // Not through nodes/proxy: since 1.37 the API server does not proxy to loopback addresses.
    const reader = await cluster.serviceAccountToken("default", "reader");
    const [pods, strangers] = [await get(port, "/pods", reader), await get(port, "/pods", undefined)];
    const { items } = JSON.parse(pods.body) as { items: { metadata: { name: string } }[] };
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [device],
    );
    assert.equal(strangers.code, 401);
  });
});

describe("a certificate from files", { concurrency: false }, () => {
  test("is taken when it changes, and a bad one is not", async () => {
    const [certFile, keyFile] = [`${folder.path}/tls.crt`, `${folder.path}/tls.key`];
    const put = async ({ certificate, key }: { certificate: string; key: string }) => {
      await writeFile(certFile, certificate);
      await writeFile(keyFile, key);
    };
    const asked = { commonName: "motelet", usage: "server", hosts: ["127.0.0.1"] } as const;
    await put(await (await Authority.create("elsewhere")).issue(asked));
    const { ports } = await startGateway({
      "kubelet.servingCertificate": "files",
      "kubelet.certFile": certFile,
      "kubelet.keyFile": keyFile,
    });
    await waitFor(async () => /certificate/.test((await echo()).stderr), {
      deadlineMs: 30_000,
      what: "the API server to refuse a foreign certificate",
    });
    const good = await cluster.issueCertificate(asked);
    await put(good);
    await echoes();
    await writeFile(certFile, "no certificate");
    await waitFor(() => lines.some((line) => line.includes("kubelet certificate not usable")), {
      deadlineMs: 20_000,
      what: "the bad file to be told",
    });
    assert.equal(
      (await shownBy(ports.kubelet)).fingerprint256,
      new X509Certificate(good.certificate).fingerprint256,
    );
    await echoes();
  });
});

describe("a request that is denied", () => {
  test("is told with its reason, and the API is served with what there is", async () => {
    const { ports } = await startGateway({
      "kubelet.servingCertificate": "csr",
      // Without what the gateways before had.
      "store.path": `${folder.path}/another.db`,
    });
    const { metadata } = await newestRequest("motelet-serving-all-");
    await kubectlOk(cluster, "certificate", "deny", metadata.name);
    const line = await waitFor(
      () => lines.find((given) => given.includes("no kubelet certificate from the cluster")),
      { deadlineMs: 40_000, what: "the denial to be told" },
    );
    assert.match(line, new RegExp(`${metadata.name} was denied: `));
    assert.equal(
      await gateway?.metric("motelet_kubelet_certificate_requests_total", { outcome: "denied" }),
      1,
    );
    const shown = await shownBy(ports.kubelet);
    assert.equal(shown.issuer, shown.subject);
  });
});

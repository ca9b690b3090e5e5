import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import { isConflict, KubeApiError } from "../../gateway/src/kubeapi/errors.ts";
import { kubeconfigCredentials } from "../../gateway/src/kubeapi/kubeconfig.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { brokenWithout, describeGrant, shippedGrants } from "../rig/cluster/gateway-rights.ts";
import { gatewayAccount, gatewayNamespace, install, kubectlOk } from "../rig/installation.ts";
import { waitFor } from "../rig/wait.ts";

/*
 * What the gateway's own token can and cannot do: with the rights and policies of manifests/base, against a real API server.
 */

const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const pods = "/api/v1/namespaces/default/pods";
const csrs = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

interface Loose {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

const mote = (name: string, labels: Record<string, string> = {}): Loose => ({
  metadata: {
    name,
    labels: { "motelet.dev/device": name, "motelet.dev/namespace": "default", ...labels },
    annotations: { "motelet.dev/device-uid": "u" },
  },
  spec: { providerID: `motelet://default/${name}` },
});

const boundPod = (name: string, nodeName: string): Loose => ({
  metadata: { name },
  spec: { nodeName, containers: [{ name: "c", image: "example.com/c:1" }] },
});

const lease = (name: string, labels: Record<string, string> = {}): Loose => ({
  metadata: { name, labels },
  spec: { holderIdentity: name, leaseDurationSeconds: 40 },
});

async function setUp(stack: AsyncDisposableStack) {
  const plane = stack.use(await startControlPlane({ nodeMonitorPeriodS: 1 }));
  await install(plane);
  const kubeconfig = await plane.kubeconfigForToken(
    await plane.serviceAccountToken(gatewayNamespace, gatewayAccount),
  );
  const credentials = await kubeconfigCredentials(kubeconfig);
  const gateway = stack.use(new HttpKubeClient({ credentials, clock: systemClock, metrics: new Metrics() }));
  // A policy takes a moment until it holds.
  await waitFor(
    () => refused(gateway.create("/api/v1/nodes", { metadata: { name: "probe" } }), /Nodes of motes/),
    {
      what: "the policies to hold",
      deadlineMs: 20_000,
    },
  );
  await plane.request("POST", "/api/v1/namespaces", { metadata: { name: "kube-node-lease" } });
  return { plane, kubeconfig, gateway };
}

/** @returns whether the request was refused with this message; a probe that was let through is an object to remove */
async function refused(request: Promise<unknown>, message: RegExp): Promise<boolean> {
  try {
    await request;
    return false;
  } catch (error) {
    return error instanceof KubeApiError && message.test(error.message);
  }
}

async function forbidden(
  what: string,
  request: Promise<unknown>,
  message: RegExp = /forbidden/,
): Promise<void> {
  await assert.rejects(
    request,
    (error) => {
      assert.ok(error instanceof KubeApiError, what);
      assert.match(error.message, message, what);
      return true;
    },
    what,
  );
}

async function made(plane: ControlPlane, path: string, object: Loose): Promise<Loose> {
  const answer = await plane.request("POST", path, object);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body as Loose;
}

test("the gateway's own token", { timeout: 300_000 }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const { plane, kubeconfig, gateway } = await setUp(stack);
  const real = await made(plane, "/api/v1/nodes", { metadata: { name: "real" } });
  const realLease = await made(plane, leases, lease("real"));

  await t.test("cannot touch a real Node", async () => {
    const path = "/api/v1/nodes/real";
    await forbidden("update", gateway.replace(path, real), /Nodes of motes only/);
    await forbidden("status", gateway.replace(`${path}/status`, real), /Nodes of motes only/);
    await forbidden("delete", gateway.delete(path), /Nodes of motes only/);
    const claimed = { ...real, metadata: { ...real.metadata, ...mote("real").metadata } };
    await forbidden("claim by annotation", gateway.replace(path, claimed), /Nodes of motes only/);
    await forbidden(
      "create",
      gateway.create("/api/v1/nodes", { metadata: { name: "other" } }),
      /Nodes of motes only/,
    );
  });

  await t.test("can make, change and delete a mote's Node, and put a lost label back", async () => {
    const node = await gateway.create<Loose>(
      "/api/v1/nodes",
      mote("bulb", { "node-role.kubernetes.io/mote": "" }),
    );
    await kubectlOk(plane, "label", "node", "bulb", "motelet.dev/device-");
    const bare = await gateway.get<Loose>("/api/v1/nodes/bulb");
    const labels = { ...node.metadata.labels };
    await gateway.replace("/api/v1/nodes/bulb", { ...bare, metadata: { ...bare.metadata, labels } });
    const now = await gateway.get<Loose>("/api/v1/nodes/bulb");
    const given = { ...now, metadata: { ...now.metadata, annotations: {} } };
    await forbidden("give away", gateway.replace("/api/v1/nodes/bulb", given), /give a Node away/);
  });

  await t.test("cannot put a role or node-restriction label on a Node; a user's stays", async () => {
    /** Other clients write the Node, too: who meets them reads it again. */
    const relabel = async (more: Record<string, string>): Promise<unknown> => {
      const node = await gateway.get<Loose>("/api/v1/nodes/bulb");
      const labels = { ...node.metadata.labels, ...more };
      try {
        return await gateway.replace("/api/v1/nodes/bulb", {
          ...node,
          metadata: { ...node.metadata, labels },
        });
      } catch (error) {
        if (!isConflict(error)) throw error;
        return relabel(more);
      }
    };
    for (const key of [
      "node-role.kubernetes.io/control-plane",
      "node-role.kubernetes.io/worker",
      "kubernetes.io/role",
      "node-restriction.kubernetes.io/trusted",
      "team.node-restriction.kubernetes.io/trusted",
    ]) {
      await forbidden(
        key,
        gateway.create("/api/v1/nodes", mote("x", { [key]: "" })),
        /role or node-restriction/,
      );
      await forbidden(key, relabel({ [key]: "" }), /role or node-restriction/);
    }
    await kubectlOk(plane, "label", "node", "bulb", "node-role.kubernetes.io/lighting=yes");
    await relabel({});
    await forbidden(
      "a changed one",
      relabel({ "node-role.kubernetes.io/lighting": "no" }),
      /role or node-restriction/,
    );
    await gateway.delete("/api/v1/nodes/bulb");
  });

  await t.test("cannot renew, take or delete a foreign Lease", async () => {
    const spec = { ...realLease.spec, renewTime: "2026-11-21T08:00:00.000000Z" };
    await forbidden(
      "renew",
      gateway.replace(`${leases}/real`, { ...realLease, spec }),
      /Leases of motes only/,
    );
    const labels = { "motelet.dev/device": "real" };
    const claimed = { ...realLease, metadata: { ...realLease.metadata, labels } };
    await forbidden("claim", gateway.replace(`${leases}/real`, claimed), /Leases of motes only/);
    await forbidden("delete", gateway.delete(`${leases}/real`), /Leases of motes only/);
    await forbidden("create", gateway.create(leases, lease("unlabelled")), /Leases of motes only/);
    const held = { ...lease("bulb", labels), spec: { holderIdentity: "real" } };
    await forbidden("hold as another", gateway.create(leases, held), /held in its Node's name/);
    const elsewhere = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    await forbidden("elsewhere", gateway.create(elsewhere, lease("x", labels)));
  });

  await t.test("its Leases have the seats of kubelets", async () => {
    const args = ["get", "--raw", `${leases}/real`, "--v=8"];
    const { stderr } = await plane.kubectl(args, { kubeconfig });
    const uid = await kubectlOk(
      plane,
      "get",
      "flowschema",
      "motelet-leases",
      "--output=jsonpath={.metadata.uid}",
    );
    assert.match(stderr.toString(), new RegExp(`X-Kubernetes-Pf-Flowschema-Uid: ${uid}`, "i"));
  });

  await t.test(
    "cannot write Devices that it does not serve, nor what people want of those that it does",
    async () => {
      const devices = (namespace: string) => `/apis/motelet.dev/v1alpha1/namespaces/${namespace}/devices`;
      await made(plane, "/api/v1/namespaces", { metadata: { name: "unserved" } });
      const device = (name: string): Loose => ({ metadata: { name } });
      const body = (name: string) => ({
        apiVersion: "motelet.dev/v1alpha1",
        kind: "Device",
        ...device(name),
      });
      const other = await made(plane, devices("unserved"), body("other"));
      const finalizers = ["motelet.dev/node"];
      const claim = (object: Loose) => ({ ...object, metadata: { ...object.metadata, finalizers } });
      await forbidden(
        "finalizer",
        gateway.replace(`${devices("unserved")}/other`, claim(other)),
        /namespaces that it serves only/,
      );
      await forbidden("status", gateway.replace(`${devices("unserved")}/other/status`, other));
      const own = await made(plane, devices("default"), body("own"));
      const owned = await gateway.replace<Loose>(`${devices("default")}/own`, claim(own));
      await forbidden(
        "spec",
        gateway.replace(`${devices("default")}/own`, { ...owned, spec: { paused: true } }),
        /leaves the spec of a Device to people/,
      );
      await gateway.replace(`${devices("default")}/own`, {
        ...owned,
        metadata: { ...owned.metadata, finalizers: [] },
      });
      // The namespace of a tenant goes, and its binding first: the finalizer may still be taken off.
      const path = `${devices("unserved")}/other`;
      const held = await plane.request("PUT", path, claim(other));
      assert.equal(held.status, 200, JSON.stringify(held.body));
      await kubectlOk(plane, "delete", "device", "other", "-n", "unserved", "--wait=false");
      const going = ((await plane.request("GET", path)).body as Loose) ?? {};
      await gateway.replace(path, { ...going, metadata: { ...going.metadata, finalizers: [] } });
      assert.equal((await plane.request("GET", path)).status, 404);
      await kubectlOk(plane, "delete", "device", "own", "--timeout=10s");
    },
  );

  await t.test("may say why a foreign Pod is Pending and finish its deletion, and nothing else", async () => {
    const pod = await made(plane, pods, boundPod("foreign", "real"));
    const path = `${pods}/foreign`;
    const pending = { ...pod, status: { phase: "Pending", reason: "Unsupported" } };
    const written = await gateway.replace<Loose>(`${path}/status`, pending);
    for (const phase of ["Running", "Failed", "Succeeded"]) {
      const status = { ...written.status, phase };
      await forbidden(
        phase,
        gateway.replace(`${path}/status`, { ...written, status }),
        /while they are Pending/,
      );
    }
    await forbidden("spec", gateway.replace(path, written), /while they are Pending/);
    await forbidden("delete", gateway.delete(path, { gracePeriodSeconds: 0 }), /finish their deletion/);
    const labels = { "motelet.dev/device": "foreign" };
    const claimed = { ...written, metadata: { ...written.metadata, labels } };
    await forbidden("claim", gateway.replace(path, claimed), /while they are Pending/);
    const running = await plane.request("PUT", `${path}/status`, {
      ...pod,
      metadata: { name: "foreign" },
      status: { phase: "Running" },
    });
    assert.equal(running.status, 200);
    const now = await gateway.get<Loose>(path);
    const back = { ...now, status: { phase: "Pending" } };
    await forbidden("a running one", gateway.replace(`${path}/status`, back), /while they are Pending/);
    await kubectlOk(plane, "delete", "pod", "foreign", "--wait=false");
    await gateway.delete(path, { gracePeriodSeconds: 0 });
    assert.equal((await plane.request("GET", path)).status, 404);
  });

  await t.test("cannot make a Pod that would run something", async () => {
    const own = (spec: object) => ({
      metadata: {
        name: "evil",
        labels: { "motelet.dev/device": "evil" },
        ownerReferences: [{ apiVersion: "motelet.dev/v1alpha1", kind: "Device", name: "evil", uid: "u" }],
      },
      spec: {
        nodeName: "real",
        containers: [{ name: "device", image: "motelet.dev/firmware/a:1" }],
        ...spec,
      },
    });
    await forbidden("not its own", gateway.create(pods, boundPod("evil", "real")), /stand for no device/);
    for (const spec of [
      { containers: [{ name: "device", image: "example.com/rootkit" }] },
      { initContainers: [{ name: "i", image: "motelet.dev/firmware/a:1" }] },
      { volumes: [{ name: "v", hostPath: { path: "/" } }] },
    ])
      await forbidden(JSON.stringify(spec), gateway.create(pods, own(spec)), /firmware images, no volumes/);
  });

  await t.test(
    "cannot obtain or approve a certificate, read another's Secret, or widen its rights",
    async () => {
      await forbidden("request", gateway.create(csrs, { metadata: { name: "x" } }));
      await forbidden("approve", gateway.replace(`${csrs}/x/approval`, { metadata: { name: "x" } }));
      await forbidden(
        "node token",
        gateway.create("/api/v1/namespaces/kube-system/serviceaccounts/default/token", {}),
      );
      await forbidden("secrets", gateway.get("/api/v1/namespaces/kube-system/secrets"));
      await forbidden("secret by name", gateway.get("/api/v1/namespaces/default/secrets/x"));
      const roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
      await forbidden("roles", gateway.get(`${roles}/motelet-gateway`));
      await forbidden(
        "policy",
        gateway.delete(
          "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/motelet-gateway-nodes",
        ),
      );
      for (const verb of ["exec", "attach", "portforward"])
        await forbidden(verb, gateway.create(`${pods}/x/${verb}`, {}));
      await forbidden("evict", gateway.create(`${pods}/x/eviction`, {}));
      await forbidden("bind", gateway.create(`${pods}/x/binding`, {}));
    },
  );

  await t.test("needs every verb of its roles", async (t) => {
    const startedMs = performance.now();
    const grants = shippedGrants();
    for (const grant of grants) {
      const broken = await brokenWithout(grant, plane, kubeconfig);
      assert.ok(broken, `nothing breaks without ${describeGrant(grant)}`);
      t.diagnostic(`${describeGrant(grant)}: ${broken}`);
    }
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    t.diagnostic(`${grants.length} verbs in ${seconds} s`);
  });
});

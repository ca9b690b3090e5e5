import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import type { DeviceFacts } from "../../../gateway/src/devices/device.ts";
import { KubeApiError } from "../../../gateway/src/kubeapi/errors.ts";
import type { KubeClient } from "../../../gateway/src/kubeapi/kube-client.ts";
import { SequenceBlocks } from "../../../gateway/src/mirror/sequence-blocks.ts";
import type { ControlPlane } from "../../control-plane/control-plane.ts";
import { RigError } from "../errors.ts";
import { apply, deviceManifest, kubectlOk } from "../installation.ts";
import { waitFor } from "../wait.ts";
import { type BareMirror, startBareMirror } from "./bare-mirror.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly Rule[];
}

/** One verb of one rule of a shipped role. */
export interface Grant {
  readonly role: Role;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

const foreignPodsRole = "motelet-gateway-foreign-pods";
const elsewhere = "elsewhere";

/** Every verb that manifests/base gives the gateway. */
export function shippedGrants(): readonly Grant[] {
  return ["rbac.yaml", "foreign-pods.yaml", "oscore.yaml"].flatMap((file) => {
    const path = fileURLToPath(new URL(`../../../manifests/base/${file}`, import.meta.url));
    const roles = parseAllDocuments(readFileSync(path, "utf8"))
      .map((document) => document.toJS() as Role)
      .filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
    return roles.flatMap((role) =>
      role.rules.flatMap(({ apiGroups: [group = ""], resources: [resource = ""], verbs }) =>
        verbs.map((verb) => ({ role, group, resource, verb })),
      ),
    );
  });
}

export function describeGrant({ role, resource, verb }: Grant): string {
  return `${role.metadata.name}: ${verb} ${resource}`;
}

/**
 * Takes one verb away, lets a gateway live through a device's life until something is refused, and gives the verb back.
 * @returns the refusal; undefined if nothing was
 */
export async function brokenWithout(
  grant: Grant,
  plane: ControlPlane,
  kubeconfig: string,
): Promise<string | undefined> {
  const { role, resource, verb } = grant;
  const foreign = role.metadata.name === foreignPodsRole;
  const where =
    foreign && verb !== "list" && verb !== "watch"
      ? `namespace "${elsewhere}"`
      : foreign
        ? "cluster scope"
        : "";
  // This right tells the admission policy which namespaces are served.
  const tellsServed = resource === "devices/status";
  const refusals = new RefusalLog(
    (message) =>
      (message.includes(`cannot ${verb} resource "${resource}"`) && message.includes(where)) ||
      (tellsServed && message.includes("namespaces that it serves only")),
  );
  const rules = role.rules.map((rule) =>
    rule.resources[0] === resource ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule,
  );
  await put(plane, { ...role, rules: rules.filter(({ verbs }) => verbs.length > 0) });
  // The same verbs for all Pods would hide that a tenant's are missing.
  if (!foreign) await kubectlOk(plane, "delete", "clusterrolebinding", foreignPodsRole, "--ignore-not-found");
  try {
    await liveALife(plane, kubeconfig, refusals, foreign);
    return refusals.first;
  } finally {
    await put(plane, role);
    if (!foreign) await put(plane, foreignPodsBinding);
  }
}

const foreignPodsBinding = {
  kind: "ClusterRoleBinding",
  metadata: { name: foreignPodsRole },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: foreignPodsRole },
  subjects: [{ kind: "ServiceAccount", name: "motelet-gateway", namespace: "motelet-system" }],
};

/** Thrown where the life may end: what was looked for has happened. */
class Refused extends Error {}

/** A KubeClient that remembers the first refusal that fits. */
class RefusalLog {
  first: string | undefined;
  readonly #fits: (message: string) => boolean;

  constructor(fits: (message: string) => boolean) {
    this.#fits = fits;
  }

  wrap(kube: KubeClient): KubeClient {
    const noted = <A extends unknown[], R>(call: (...given: A) => Promise<R>) => {
      return (...given: A) => call(...given).catch((error: unknown) => this.#note(error));
    };
    const note = (error: unknown) => this.#note(error);
    return {
      get: noted(kube.get.bind(kube)) as KubeClient["get"],
      create: noted(kube.create.bind(kube)) as KubeClient["create"],
      replace: noted(kube.replace.bind(kube)) as KubeClient["replace"],
      patch: noted(kube.patch.bind(kube)) as KubeClient["patch"],
      delete: noted(kube.delete.bind(kube)) as KubeClient["delete"],
      async *watch<T>(...given: Parameters<KubeClient["watch"]>) {
        try {
          yield* kube.watch<T>(...given);
        } catch (error) {
          note(error);
        }
      },
    };
  }

  #note(error: unknown): never {
    // RBAC says 403, an admission policy 422.
    if (error instanceof KubeApiError && [403, 422].includes(error.status) && this.#fits(error.message))
      this.first ??= error.message;
    throw error;
  }
}

let lives = 0;

const hello = (version: string): Partial<DeviceFacts> => ({
  phase: "Online",
  link: { carrier: "mqtt", peer: "127.0.0.1:50000", sinceMs: Date.now() },
  boot: 1,
  firmware: { text: `blinky ${version}` },
});

/** From the first hello to the end; ends early when what is looked for has been refused. */
async function liveALife(
  plane: ControlPlane,
  kubeconfig: string,
  refusals: RefusalLog,
  withForeignPods: boolean,
): Promise<void> {
  const life = ++lives;
  const [lamp, fan, taken] = [`lamp-${life}`, `fan-${life}`, `taken-${life}`];
  const mirror = await startBareMirror(kubeconfig, { wrap: (kube) => refusals.wrap(kube) });
  /** The right to read is not the gateway's here. */
  const reads = async (path: string) => JSON.stringify((await plane.request("GET", path)).body);
  const reached = (what: string, condition: () => boolean | Promise<boolean>) =>
    waitFor(condition, {
      what,
      deadlineMs: 20_000,
      fatal: () => (refusals.first === undefined ? undefined : new Refused()),
    });
  const learn = (name: string, facts: Partial<DeviceFacts>) =>
    mirror.registry.learn(`default/${name}`, facts);
  const device = (name: string) => `/apis/motelet.dev/v1alpha1/namespaces/default/devices/${name}`;
  const pod = (name: string) => `/api/v1/namespaces/default/pods/${name}`;
  try {
    await apply(plane, [lamp, fan, taken].map((name) => deviceManifest(name)).join(""));
    await apply(plane, JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: taken } }));
    let started = false;
    void mirror.started.then(() => {
      started = true;
    });
    await reached("the mirror to start", () => started);
    await reached("identities", () =>
      [lamp, fan].every((name) => mirror.registry.get(`default/${name}`)?.spec.identity !== undefined),
    );
    const former = '{"metadata":{"finalizers":["motelet.dev/node"]}}';
    await kubectlOk(plane, "patch", "device", lamp, "--type=merge", "-p", former);
    await reached("the former finalizer to go", async () => {
      const { metadata } = (await plane.request("GET", device(lamp))).body as {
        metadata?: { finalizers?: unknown };
      };
      return metadata !== undefined && metadata.finalizers === undefined;
    });
    for (const name of [lamp, fan, taken]) learn(name, hello("1"));
    await reached("a Ready Pod", async () => (await reads(pod(lamp))).includes('"containerID"'));
    await reached("a conflict", async () => (await reads(device(taken))).includes("NodeNameConflict"));
    learn(lamp, hello("2"));
    await reached("another image", async () => (await reads(pod(lamp))).includes("blinky:2"));
    for (const phase of ["Offline", "Online", "Offline", "Online"] as const) learn(lamp, { phase });
    const events = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${lamp},reason=Offline`;
    await reached("an Event that counts", async () => (await reads(events)).includes('"count":2'));
    learn(fan, { capabilities: ["exec", "console"] });
    await reached("another Pod, which has a terminal", async () =>
      (await reads(pod(fan))).includes('"tty":true'),
    );
    await askAsListener(mirror, refusals);
    await reserveSequences(mirror, refusals, life);
    if (withForeignPods) await bringForeignPods(plane, [lamp, fan], reached);
    await kubectlOk(plane, "delete", "device", lamp, taken, "--wait=false");
    for (const path of [device(lamp), pod(lamp), `/api/v1/nodes/${lamp}`])
      await reached(`${path} to end`, async () => (await plane.request("GET", path)).status === 404);
    await mirror[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  } finally {
    await mirror[Symbol.asyncDispose]();
    await kubectlOk(plane, "delete", "device", "--all", "--wait=false");
  }
}

/** What the kubelet listener asks of callers. */
async function askAsListener(mirror: BareMirror, refusals: RefusalLog): Promise<void> {
  const kube = refusals.wrap(mirror.kube);
  const reviews = {
    "/apis/authentication.k8s.io/v1/tokenreviews": { token: "x" },
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
      user: "x",
      resourceAttributes: { resource: "nodes", subresource: "proxy", verb: "get" },
    },
  };
  for (const [path, spec] of Object.entries(reviews)) {
    await kube.create(path, { spec }).catch((error: unknown) => {
      if (!(error instanceof KubeApiError)) throw error;
    });
  }
  if (refusals.first !== undefined) throw new Refused();
}

/** What the first message to a device over OSCORE asks for. */
async function reserveSequences(mirror: BareMirror, refusals: RefusalLog, life: number): Promise<void> {
  const blocks = new SequenceBlocks(refusals.wrap(mirror.kube));
  const record = { wireId: "lamp", generation: life, fingerprint: "00", secretUid: "none" };
  await blocks.reserve(record, 0, AbortSignal.timeout(20_000)).catch((error: unknown) => {
    if (!(error instanceof KubeApiError)) throw error;
  });
  if (refusals.first !== undefined) throw new Refused();
}

/** A DaemonSet that tolerates everything, on two motes. */
async function bringForeignPods(
  plane: ControlPlane,
  motes: readonly string[],
  reached: (what: string, condition: () => Promise<boolean>) => Promise<unknown>,
): Promise<void> {
  const path = `/api/v1/namespaces/${elsewhere}`;
  await plane.settled();
  await put(plane, { kind: "Namespace", metadata: { name: elsewhere } });
  await plane.request("POST", `${path}/serviceaccounts`, { metadata: { name: "default" } });
  await apply(plane, JSON.stringify(everywhere));
  interface PodList {
    readonly items: readonly {
      metadata: { name: string };
      spec: { nodeName: string };
      status: { reason?: string };
    }[];
  }
  const onMotes = async () => {
    const { items } = (await plane.request("GET", `${path}/pods`)).body as PodList;
    return items.filter(({ spec }) => motes.includes(spec.nodeName));
  };
  await reached("their reason", async () => {
    const pods = await onMotes();
    return pods.length === 2 && pods.every(({ status }) => status.reason === "Unsupported");
  });
  await reached("an Event that counts", async () => {
    const { body } = await plane.request("GET", `${path}/events?fieldSelector=reason=ReachesMotes`);
    return JSON.stringify(body).includes('"count":2');
  });
  const [victim] = await onMotes();
  await kubectlOk(
    plane,
    "delete",
    "pod",
    victim?.metadata.name ?? "",
    `--namespace=${elsewhere}`,
    "--wait=false",
  );
  await reached(
    "its end",
    async () => !(await onMotes()).some(({ metadata }) => metadata.name === victim?.metadata.name),
  );
}

const labels = { app: "everywhere" };
const everywhere = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "everywhere", namespace: elsewhere },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        tolerations: [{ operator: "Exists" }],
        automountServiceAccountToken: false,
        containers: [{ name: "c", image: "example.com/c:1" }],
      },
    },
  },
};

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Creates an object or replaces the one of its name. */
async function put<T extends Named>(plane: ControlPlane, object: T): Promise<void> {
  const { namespace, name } = object.metadata;
  const group = object.kind === "Namespace" ? "/api/v1" : "/apis/rbac.authorization.k8s.io/v1";
  const collection = `${group}${namespace ? `/namespaces/${namespace}` : ""}/${object.kind.toLowerCase()}s`;
  const replaced = await plane.request("PUT", `${collection}/${name}`, object);
  if (replaced.status < 300) return;
  const created = await plane.request("POST", collection, object);
  if (created.status >= 300 && created.status !== 409)
    throw new RigError("API_REFUSED", `cannot make ${object.kind} ${name}: ${JSON.stringify(created.body)}`);
}

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BeatMessage } from "@motelet/profiles";
import type { Device } from "../../../gateway/src/resources/device.ts";
import type { Node } from "../../../gateway/src/resources/node.ts";
import { NodePlane } from "../../rig/cluster/node-plane.ts";
import { apply, kubectlOk } from "../../rig/installation.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * A taint, a cordon, a label, an annotation and a condition that a user puts on a mote's Node, while everything else about
 * the mote changes for an hour: MOTELET_SOAK=1 takes the hour, otherwise the hour's changes come one after the other.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const changes = 360;
const spacingMs = soak ? 10_000 : 0;
const nodePath = "/api/v1/nodes/lamp";
const devicePath = "/apis/motelet.dev/v1alpha1/namespaces/default/devices/lamp";

/** What the user's things look like on a Node; complete where all of them are there. */
function missing(node: Node | undefined): readonly string[] {
  if (!node) return ["the Node"];
  const conditions: readonly { type: string; status: string; reason?: string }[] =
    node.status?.conditions ?? [];
  const kept = {
    taint: node.spec?.taints?.some(
      ({ key, effect }) => key === "example.com/keep" && effect === "NoSchedule",
    ),
    cordon: node.spec?.unschedulable === true,
    label: node.metadata.labels?.["example.com/room"] === "attic",
    annotation: node.metadata.annotations?.["example.com/note"] === "by the window",
    condition: conditions.some(
      ({ type, status, reason }) =>
        type === "example.com/Calibrated" && status === "True" && reason === "ByHand",
    ),
  };
  return Object.entries(kept).flatMap(([what, there]) => (there ? [] : [what]));
}

test(`a user's taint, cordon, label, annotation and condition survive ${changes} changes`, {
  timeout: changes * spacingMs + 600_000,
}, async (t) => {
  await using rig = await NodePlane.start({
    settings: {
      "session.heartbeatS": soak ? "10" : "1",
      "mirror.readyBurst": "10000",
      "mirror.readyPerSecond": "1000",
    },
  });
  let littleHeap = false;
  const toggling = (beat: BeatMessage): BeatMessage => {
    littleHeap = !littleHeap;
    return { ...beat, heapFree64: littleHeap ? 64 : 4096 };
  };
  await rig.bringUp(["lamp"], { beat: () => toggling });
  const { plane, kube, ready } = rig;
  const node = () => ready.nodes.get("lamp");
  await kubectlOk(plane, "taint", "node", "lamp", "example.com/keep=yes:NoSchedule");
  await kubectlOk(plane, "cordon", "lamp");
  await kubectlOk(plane, "label", "node", "lamp", "example.com/room=attic");
  await kubectlOk(plane, "annotate", "node", "lamp", "example.com/note=by the window");
  const now = new Date().toISOString();
  const calibrated = {
    type: "example.com/Calibrated",
    status: "True",
    reason: "ByHand",
    message: "m",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  await kube.patch(`${nodePath}/status`, { status: { conditions: [calibrated] } }, "strategic");
  await waitFor(() => missing(node()).length === 0, { what: "the user's edits", deadlineMs: 10_000 });

  // From here on every version of the Node is looked at: what is lost for a moment only is lost too.
  let versions = 0;
  const losses: string[] = [];
  const stop = ready.nodes.changes.subscribe((name) => {
    if (name !== "lamp") return;
    versions += 1;
    const lost = missing(node());
    if (lost.length > 0) losses.push(`version ${versions}: ${lost.join(", ")}`);
  });

  const edit = (spec: object) => kube.patch<Device>(devicePath, { spec }, "merge");
  const profile = (relays: number) =>
    apply(
      plane,
      `apiVersion: motelet.dev/v1alpha1\nkind: DeviceProfile\nmetadata: {name: board}\nspec: {capacity: {relay: ${relays}}}\n`,
    );
  await profile(1);
  await edit({ profile: "board" });
  const within = (what: string, condition: () => boolean | undefined) =>
    waitFor(condition, { what, deadlineMs: 30_000, intervalMs: 5 });
  const kinds: readonly ((count: number) => Promise<void>)[] = [
    async (count) => {
      await edit({ node: { labels: { "example.com/count": String(count) } } });
      await within("the label", () => node()?.metadata.labels?.["example.com/count"] === String(count));
    },
    async (count) => {
      await edit({ node: { taints: [{ key: `example.com/t${count}`, effect: "NoSchedule" }] } });
      await within("the taint", () =>
        node()?.spec?.taints?.some(({ key }) => key === `example.com/t${count}`),
      );
    },
    async () => {
      await edit({ paused: true });
      await within("the pause", () => ready.statusOf("lamp") === "False");
      await edit({ paused: null });
      await within("the end of the pause", () => ready.statusOf("lamp") === "True");
    },
    async () => {
      await kubectlOk(plane, "taint", "node", "lamp", "motelet.dev/mote-");
      await within("our taint", () => node()?.spec?.taints?.some(({ key }) => key === "motelet.dev/mote"));
    },
    async (count) => {
      await kubectlOk(plane, "label", "node", "lamp", `example.com/other=${count}`, "--overwrite");
      await kube.patch(nodePath, { metadata: { labels: { "kubernetes.io/arch": null } } }, "merge");
      await within("our label", () => node()?.metadata.labels?.["kubernetes.io/arch"] !== undefined);
    },
    async () => {
      // The reconcilers and the user write at the same time.
      await Promise.all([
        edit({ paused: true }),
        kubectlOk(plane, "taint", "node", "lamp", "example.com/passing=yes:NoSchedule"),
        edit({ node: { labels: { "example.com/count": "both" } } }),
      ]);
      await edit({ paused: null });
      await kubectlOk(plane, "taint", "node", "lamp", "example.com/passing-");
      await within("both", () => node()?.metadata.labels?.["example.com/count"] === "both");
      await within("Ready", () => ready.statusOf("lamp") === "True");
    },
  ];
  const startedMs = performance.now();
  for (let count = 0; count < changes; count++) {
    // In the short run those that run kubectl are few, and so are pauses: they cut the device's connection, and a device
    // whose connections are cut within a minute waits longer each time before it connects again (SPEC §10.1).
    const slow = 3 + (Math.floor(count / 30) % 3);
    const kind = soak ? count % kinds.length : count % 30 === 29 ? slow : count % 90 === 14 ? 2 : count % 2;
    await (kinds[kind] as (count: number) => Promise<void>)(count);
    assert.deepEqual(losses, []);
    const spareMs = startedMs + (count + 1) * spacingMs - performance.now();
    if (spareMs > 0) await delay(spareMs);
  }
  stop();
  assert.deepEqual(missing(node()), []);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  t.diagnostic(
    `${changes} changes in ${seconds} s made ${versions} versions of the Node, none without the user's edits`,
  );
});

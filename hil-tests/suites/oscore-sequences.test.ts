import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import { kubeconfigCredentials } from "../../gateway/src/kubeapi/kubeconfig.ts";
import { SequenceBlocks } from "../../gateway/src/mirror/sequence-blocks.ts";
import {
  type OscoreSequence,
  oscoreSequencesPath,
  sequenceBlock,
} from "../../gateway/src/resources/oscore-sequence.ts";
import { startControlPlane } from "../control-plane/control-plane.ts";
import { gatewayAccount, gatewayNamespace, install } from "../rig/installation.ts";

/*
 * Reservations of OSCORE sequence numbers with the gateway's own token, and what the CRD refuses to whoever it is: on a real API server.
 */

test("gateways that race on a real API server get different blocks, and nobody can take a reservation back", async () => {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane({}));
  await install(plane);
  const token = await plane.serviceAccountToken(gatewayNamespace, gatewayAccount);
  const credentials = await kubeconfigCredentials(await plane.kubeconfigForToken(token));
  const kube = stack.use(new HttpKubeClient({ credentials, clock: systemClock, metrics: new Metrics() }));
  const claim = { wireId: "lamp", generation: 1, fingerprint: "00ff00ff00ff00ff", secretUid: "secret-1" };
  const path = `${oscoreSequencesPath}/lamp.1.00ff00ff00ff00ff`;
  const never = new AbortController().signal;
  const gateways = Array.from({ length: 5 }, () => new SequenceBlocks(kube));
  const outcomes = await Promise.all(gateways.map((blocks) => blocks.reserve(claim, 0, never)));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.reserved ? outcome.block.from : -1)).sort((a, b) => a - b),
    gateways.map((_, index) => index * sequenceBlock),
  );

  const record = await kube.get<OscoreSequence>(path);
  const changes: [Partial<OscoreSequence["spec"]>, RegExp][] = [
    [{ next: record.spec.next - 1 }, /cannot be lowered/],
    [{ secretUid: "secret-2" }, /secretUid cannot be changed/],
    [{ recordUid: "" }, /recordUid cannot be changed/],
    [{ next: 2 ** 40 + 1 }, /should be less than or equal to 1/],
  ];
  for (const [change, refusal] of changes) {
    const spec = { ...record.spec, ...change };
    await assert.rejects(kube.replace(path, { ...record, spec }), { status: 422, message: refusal });
  }
  await assert.rejects(kube.delete(path), { status: 403 });

  const outcome = await gateways[0]?.reserve(claim, 10 * sequenceBlock, never);
  assert.deepEqual(outcome, { reserved: false, reason: "WENT_BACK" });
  const retired = await kube.get<OscoreSequence>(path);
  const spec = { ...retired.spec, retired: false };
  await assert.rejects(kube.replace(path, { ...retired, spec }), { status: 422, message: /retired/ });
});

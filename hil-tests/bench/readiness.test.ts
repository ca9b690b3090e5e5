import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import { FakeApiServer } from "../../gateway/test/fakes/fake-api-server.ts";
import { RigError } from "../rig/errors.ts";
import { startProcess } from "../rig/process.ts";
import { waitFor } from "../rig/wait.ts";
import { Settling } from "./readiness.ts";

const ready = { conditions: [{ type: "Ready", status: "True" }] };

async function setUp(): Promise<{ server: FakeApiServer; settling: Settling } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await new FakeApiServer().start());
  const credentials = { source: "a test", server: server.url, verify: true, token: async () => undefined };
  const kube = stack.use(new HttpKubeClient({ credentials, clock: systemClock, metrics: new Metrics() }));
  const settling = stack.use(await Settling.start(kube));
  return { server, settling, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("a fleet that does not settle says what is there of each collection", async () => {
  await using t = await setUp();
  for (const name of ["a", "b"]) t.server.put("/api/v1/nodes", { metadata: { name }, status: ready });
  t.server.put("/api/v1/namespaces/default/pods", { metadata: { name: "a" }, status: ready });
  await t.settling.untilReady(2, 30_000);
  await waitFor(() => t.settling.state(3).includes("pods 1"), { what: "the Pod", deadlineMs: 30_000 });
  await assert.rejects(t.settling.until(3, 300), (error) => {
    assert.ok(error instanceof RigError && error.code === "DEADLINE_PASSED");
    assert.match(
      error.message,
      /^after 300 ms only \d objects of .*; of 3 are as wanted: 2 Ready, nodes 2, leases 0, pods 1, devices 0$/,
    );
    return true;
  });
});

test("a fleet that dies is reported at once, with its last lines", async () => {
  await using t = await setUp();
  const startedMs = performance.now();
  await using _fleet = startProcess({
    name: "fleet",
    vital: true,
    command: "sh",
    args: ["-c", "echo 375 of 1000 have connected >&2; exit 7"],
  });
  // As bring-ups wait: for two things at a time.
  const settled = t.settling.until(1, 60_000);
  const outcomes = await Promise.allSettled([t.settling.untilReady(1, 60_000), settled]);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof RigError);
    assert.equal(outcome.reason.code, "PROCESS_ENDED");
    assert.match(outcome.reason.message, /fleet ended with code 7.*375 of 1000 have connected/s);
  }
  assert.ok(performance.now() - startedMs < 20_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildEstimate, BuildProgress, formatSeconds } from "./build-progress.ts";

test("the estimate starts from two cores and learns from what a build took", () => {
  const estimate = new BuildEstimate(2);
  assert.equal(estimate.remainingSeconds(["etcd", "kube-apiserver"], 0), 34 + 228);
  assert.equal(estimate.remainingSeconds(["etcd", "kube-apiserver"], 30), 4 + 228);
  assert.equal(estimate.remainingSeconds(["etcd", "kube-apiserver"], 500), 228);
  estimate.learn("etcd", 68);
  assert.equal(estimate.remainingSeconds(["kube-apiserver"], 0), 456);
  assert.equal(estimate.remainingSeconds([], 0), 0);
  assert.equal(new BuildEstimate(8).remainingSeconds(["unknown"], 0), 22.5);
  assert.equal(new BuildEstimate(64).remainingSeconds(["unknown"], 0), 22.5);
});

test("seconds are written for people", () => {
  assert.deepEqual([0, 59.4, 59.6, 61, 600].map(formatSeconds), [
    "0 s",
    "59 s",
    "1 min 0 s",
    "1 min 1 s",
    "10 min 0 s",
  ]);
});

test("progress names the program, the time and an estimate, also when the build fails", async () => {
  let shown = "";
  const progress = new BuildProgress({ write: (text) => (shown += text) }, new BuildEstimate(2));
  assert.equal(await progress.during("etcd 3.7.3", ["etcd"], async () => 5), 5);
  assert.equal(shown, "building etcd 3.7.3: 0 s, about 34 s left in all\nbuilt etcd 3.7.3 in 0 s\n");
  await assert.rejects(
    progress.during("etcd", ["etcd"], () => Promise.reject(new RangeError("no"))),
    RangeError,
  );
});

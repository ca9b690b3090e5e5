import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { RigError } from "../rig/errors.ts";
import { nodeFlags } from "../rig/gateway-process.ts";
import { waitFor } from "../rig/wait.ts";
import { kubernetesVersion } from "./assets.ts";
import { startControlPlane } from "./control-plane.ts";
import { readGoModule } from "./go-module.ts";

const minutes = 60_000;

/** Command lines of living processes that contain this text. */
function processesThatName(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(text));
}

// The first test on a machine builds the binaries.
test("a control plane serves kubectl, survives the loss of its API server, and leaves nothing behind", {
  timeout: 30 * minutes,
}, async (t) => {
  await using controlPlane = await startControlPlane({ nodeMonitorPeriodS: 1, nodeMonitorGraceS: 5 });
  const { folder } = controlPlane;

  // Programs that the environment gives have whatever version they have.
  const skip = process.env.KUBEBUILDER_ASSETS ? "KUBEBUILDER_ASSETS is set" : false;
  await t.test("kubectl and server report the pinned version", { skip }, async () => {
    const folder = path.join(import.meta.dirname, `kubernetes-${kubernetesVersion()}`);
    const pinned = `v${readGoModule(folder).version}`;
    const answer = await controlPlane.kubectl(["version", "--output=json"]);
    assert.equal(answer.code, 0, answer.stderr);
    const versions = JSON.parse(answer.stdout.toString());
    assert.equal(versions.clientVersion.gitVersion, pinned);
    assert.equal(versions.serverVersion.gitVersion, pinned);
  });

  await t.test("a ServiceAccount's token has that account's rights and no others", async () => {
    const made = await controlPlane.kubectl(["apply", "--filename=-"], {
      input: [
        "{apiVersion: v1, kind: Namespace, metadata: {name: field}}",
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: gateway, namespace: field}}",
      ].join("\n---\n"),
    });
    assert.equal(made.code, 0, made.stderr);
    const token = await controlPlane.serviceAccountToken("field", "gateway");
    const kubeconfig = await controlPlane.kubeconfigForToken(token);
    const who = await controlPlane.kubectl(
      ["auth", "whoami", "--output=jsonpath={.status.userInfo.username}"],
      {
        kubeconfig,
      },
    );
    assert.equal(who.stdout.toString(), "system:serviceaccount:field:gateway");
    const refused = await controlPlane.kubectl(["get", "nodes"], { kubeconfig });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Forbidden/);
  });

  await t.test("a client certificate carries user and groups", async () => {
    const kubeconfig = await controlPlane.kubeconfigFor("jane", ["field-engineers", "night shift, north"]);
    const answer = await controlPlane.kubectl(["auth", "whoami", "--output=json"], { kubeconfig });
    assert.equal(answer.code, 0, answer.stderr);
    const { username, groups } = JSON.parse(answer.stdout.toString()).status.userInfo;
    assert.equal(username, "jane");
    assert.deepEqual(groups, ["field-engineers", "night shift, north", "system:authenticated"]);
  });

  await t.test("a token for an account that does not exist is refused", async () => {
    await assert.rejects(
      controlPlane.serviceAccountToken("field", "nobody"),
      (error) => error instanceof RigError && error.code === "API_REFUSED" && /404/.test(error.message),
    );
  });

  await t.test("the API server is lost to SIGKILL and returns with its data", async () => {
    await controlPlane.killApiServer();
    await assert.rejects(
      controlPlane.request("GET", "/readyz"),
      (error) => error instanceof RigError && error.code === "API_UNREACHABLE",
    );
    await controlPlane.restartApiServer();
    assert.equal((await controlPlane.request("GET", "/api/v1/namespaces/field")).status, 200);
    const made = await controlPlane.request("POST", "/api/v1/namespaces", { metadata: { name: "after" } });
    assert.equal(made.status, 201);
    // The controller manager found it again: it fills new namespaces.
    await waitFor(
      async () =>
        (await controlPlane.request("GET", "/api/v1/namespaces/after/serviceaccounts/default")).status ===
        200,
      { deadlineMs: minutes, what: "the ServiceAccount of a namespace that was made after the restart" },
    );
  });

  await t.test("no process and no folder is left after stop", async () => {
    assert.notDeepEqual(processesThatName(folder), []);
    await controlPlane.stop();
    assert.deepEqual(processesThatName(folder), []);
    assert.equal(existsSync(folder), false);
  });
});

test("a component that dies while it starts is reported with its last lines, and nothing is left", {
  timeout: minutes,
}, async () => {
  let folder = "";
  await assert.rejects(
    startControlPlane({
      extraApiServerFlags: ["--no-such-flag"],
      onLine: (_component, line) => {
        folder ||= /\S*motelet-cluster-\w+/.exec(line)?.[0] ?? "";
      },
    }),
    (error) =>
      error instanceof RigError &&
      error.code === "PROCESS_ENDED" &&
      /kube-apiserver ended with code 1.*unknown flag: --no-such-flag/s.test(error.message),
  );
  if (folder !== "") assert.equal(existsSync(folder), false);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`make cluster leaves nothing behind when it is ended by ${signal}`, {
    timeout: 2 * minutes,
  }, async () => {
    const command = path.join(import.meta.dirname, "cluster.ts");
    const cluster = spawn(process.execPath, [...nodeFlags, command], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line =
      (await createInterface(cluster.stdout)[Symbol.asyncIterator]().next()).value ?? "it printed nothing";
    const kubeconfig = /^export KUBECONFIG=(.+)$/.exec(line)?.[1] ?? "";
    assert.equal(existsSync(kubeconfig), true, line);
    const folder = path.dirname(kubeconfig);
    cluster.kill(signal);
    const [code] = await once(cluster, "close");
    if (signal === "SIGINT") assert.equal(code, 0);
    await waitFor(() => processesThatName(folder).length === 0 && !existsSync(folder), {
      deadlineMs: 60_000,
      what: "processes and folder to be gone",
    });
  });
}

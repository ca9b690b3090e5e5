import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startControlPlane } from "../control-plane/control-plane.ts";
import { nodeFlags } from "../rig/gateway-process.ts";
import { kubectlOk } from "../rig/installation.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder } from "../rig/watchdog.ts";

const script = fileURLToPath(new URL("../demo.ts", import.meta.url));
const upMs = 90_000;

function demo(args: readonly string[], env: NodeJS.ProcessEnv): RunningProcess {
  const command = { name: "demo", command: process.execPath, args: [...nodeFlags, script, ...args] };
  return startProcess({ ...command, env: { ...process.env, ...env } });
}

test("the demo brings its Nodes up, does not touch an exported KUBECONFIG, and leaves nothing behind", async () => {
  // A folder for temporary files of its own: other demos of this machine come and go in the common one.
  await using temporary = makeTemporaryFolder("motelet-tmp-");
  await using running = demo(["--devices", "2"], {
    KUBECONFIG: "/nonexistent/kubeconfig",
    TMPDIR: temporary.path,
  });
  await running.waitForLine(/Ctrl-C ends all of it/, { deadlineMs: upMs });
  const said = running.lastLines().join("\n");
  assert.notDeepEqual(readdirSync(temporary.path), [], "the demo's folders are not where this test looks");
  for (const node of ["lamp", "kettle", "press"]) assert.match(said, new RegExp(`${node} +Ready +mote`));
  // As it tells a person to: the first command whose answer is the device's own.
  const [, KUBECONFIG = ""] = /export KUBECONFIG=(\S+)/.exec(said) ?? assert.fail(said);
  const [, kubectl = ""] = /alias kubectl=(\S+)/.exec(said) ?? assert.fail(said);
  assert.match(said, /^ {2}kubectl logs press$/m);
  const logs = await waitFor(
    async () => {
      const { code, stdout } = await runCommand(kubectl, ["logs", "press"], {
        env: { ...process.env, KUBECONFIG },
      });
      return code === 0 && stdout.toString();
    },
    { deadlineMs: 20_000, what: "kubectl logs press to print something" },
  );
  assert.match(logs, /^boot \d+: motelet-c \S+, board posix, reset: power on, build [0-9a-f]{16}$/m);
  running.kill("SIGINT");
  assert.equal((await running.exited).code, 0, running.lastLines().join("\n"));
  assert.deepEqual(readdirSync(temporary.path), []);
});

test("in the current context's cluster it asks, and takes everything away again", async () => {
  await using cluster = await startControlPlane();
  const path = `${cluster.kubectlPath.replace(/\/[^/]+$/, "")}:${process.env.PATH}`;
  const env = { KUBECONFIG: cluster.adminKubeconfigPath, PATH: path };
  const objects = () =>
    kubectlOk(
      cluster,
      "get",
      "crd,namespace,node,lease,clusterrole,clusterrolebinding,validatingadmissionpolicy,flowschema",
      "-A",
      "-o",
      "name",
    );
  const before = (await objects()).split("\n").sort();

  await using unanswered = demo(["--cluster", "current"], env);
  unanswered.stdin.end();
  assert.equal((await unanswered.exited).code, 1);
  assert.match(unanswered.lastLines().join("\n"), /nothing was made/);
  assert.deepEqual((await objects()).split("\n").sort(), before);

  await using agreed = demo(["--cluster", "current", "--devices", "1"], env);
  agreed.stdin.write("y\n");
  await agreed.waitForLine(/Ctrl-C ends all of it/, { deadlineMs: upMs });
  assert.match(await kubectlOk(cluster, "exec", "-n", "motelet-demo", "lamp", "--", "echo", "hi"), /^hi$/m);
  agreed.kill("SIGINT");
  assert.equal((await agreed.exited).code, 0, agreed.lastLines().join("\n"));
  assert.deepEqual((await objects()).split("\n").sort(), before);

  await using killed = demo(["--cluster", "current", "--devices", "1"], env);
  killed.stdin.write("y\n");
  await killed.waitForLine(/Ctrl-C ends all of it/, { deadlineMs: upMs });
  killed.kill("SIGKILL");
  await killed.exited;
  await using again = demo(["--cluster", "current"], env);
  again.stdin.write("y\n");
  assert.equal((await again.exited).code, 1);
  assert.match(again.lastLines().join("\n"), /CLEAN=yes/);
  await using cleaning = demo(["--cluster", "current", "--clean", "yes"], env);
  cleaning.stdin.write("y\n");
  assert.equal((await cleaning.exited).code, 0, cleaning.lastLines().join("\n"));
  await waitFor(
    async () => {
      assert.deepEqual((await objects()).split("\n").sort(), before);
      return true;
    },
    { deadlineMs: 60_000, what: "the cluster to be as it was before" },
  );
});

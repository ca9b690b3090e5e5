import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { kubernetesVersion } from "../control-plane/assets.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { findKubectl, kubectlVersions } from "../control-plane/kubectl-clients.ts";
import type { Board } from "../rig/boards/board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { RigError } from "../rig/errors.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  identityOf,
  install,
} from "../rig/installation.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { type CommandResult, type RunOptions, runCommand } from "../rig/run-command.ts";
import { Terminal } from "../rig/terminal.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";

/**
 * Every verb of kubectl that touches a pod, on a TS device: the newest kubectl over WebSocket and over SPDY; with MOTELET_MATRIX
 * each kubectl that is supported (`make test-matrix` runs that against each API server).
 */
const megabyte = 1_000_000;
const device = "lamp";
const versions = process.env.MOTELET_MATRIX ? kubectlVersions() : [kubernetesVersion()];
const protocols = ["WebSocket", "SPDY"] as const;

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let folder: TemporaryFolder;
let echo: Server;

before(async () => {
  folder = makeTemporaryFolder("motelet-kubectl-");
  echo = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket)).listen(
    0,
    "127.0.0.1",
  );
  await new Promise((resolve) => echo.once("listening", resolve));
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "2", "store.path": `${folder.path}/gateway.db` },
  });
  await gateway.start();
  await apply(cluster, deviceManifest(device));
  const identity = await waitFor(() => identityOf(cluster, device), {
    deadlineMs: 20_000,
    what: `the Secret of ${device}`,
  });
  const address = echo.address();
  assert.ok(typeof address === "object" && address);
  fleet = await startReferenceFleet({
    mqttPort: gateway.ports.mqtt,
    members: [{ name: device, board: "esp32-c3", ...identity }],
    folder: folder.path,
    services: { 8080: `127.0.0.1:${address.port}` },
  });
  await waitFor(async () => (await cluster.kubectl(["exec", device, "--", "echo"])).code === 0, {
    deadlineMs: 30_000,
    what: `${device} to answer`,
  });
});

after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  echo?.close();
  await folder?.[Symbol.asyncDispose]();
});

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

for (const version of versions)
  for (const protocol of protocols) {
    describe(`kubectl ${version} over ${protocol}`, { concurrency: false }, () => {
      let kubectl: string;
      let environment: NodeJS.ProcessEnv;

      before(async () => {
        kubectl = await findKubectl(version);
        const websocket = String(protocol === "WebSocket");
        environment = {
          ...cluster.kubectlEnvironment(),
          KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websocket,
          KUBECTL_PORT_FORWARD_WEBSOCKETS: websocket,
        };
      });

      const run = (args: readonly string[], options: RunOptions = {}): Promise<CommandResult> =>
        runCommand(kubectl, args, { timeoutMs: 120_000, ...options, env: environment });

      async function ok(...args: readonly string[]): Promise<string> {
        const { code, stdout, stderr } = await run(args);
        assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
        return stdout.toString();
      }

      const start = (name: string, args: readonly string[]): RunningProcess =>
        startProcess({ name, command: kubectl, args, env: environment });

      const terminal = (...args: readonly string[]): Terminal =>
        Terminal.start({
          command: kubectl,
          args,
          env: environment,
          columns: 101,
          rows: 37,
          folder: folder.path,
        });

      describe("exec", () => {
        for (const expected of [0, 7, 255])
          test(`ends with the command's exit code ${expected}`, async () => {
            assert.equal((await run(["exec", device, "--", "exit", String(expected)])).code, expected);
          });

        for (const code of [256, 65_536])
          test(`ends with 255 for exit code ${code}, and tells the number`, async () => {
            const { code: told, stdout, stderr } = await run(["exec", device, "--", "exit", String(code)]);
            assert.deepEqual([told, stdout.toString()], [255, ""]);
            assert.match(stderr, new RegExp(`exit code ${code}: expected 0 to 255`));
          });

        test("keeps stdout and stderr apart, and an unknown command ends with 127", async () => {
          const { code, stdout, stderr } = await run(["exec", device, "--", "frobnicate"]);
          assert.equal(code, 127);
          assert.equal(stdout.toString(), "");
          assert.match(stderr, /frobnicate: not found/);
        });

        test("carries 10 MB in and the same 10 MB out", async () => {
          const input = randomBytes(10 * megabyte);
          const { code, stdout, stderr } = await run(["exec", "-i", device, "--", "cat"], { input });
          assert.equal(code, 0, stderr);
          assert.equal(stdout.length, input.length);
          assert.equal(digest(stdout), digest(input));
        });

        test("sh runs lists of commands, and says what it does not support", async () => {
          const rows = [
            [["sh", "-c", "echo a && uptime >/dev/null; exit 7"], 7, "a\n", /^command terminated/],
            [
              ["/bin/sh", "-c", "frobnicate || echo $?"],
              2,
              "",
              /^sh: line 1: parameters \(\$\?\) are not supported/,
            ],
            [["bash", "-lc", "frobnicate 2>/dev/null || echo none"], 0, "none\n", /^$/],
            [["sh", "-c", "command -v ps zsh; test -x /bin/bash && echo bash"], 0, "ps\nbash\n", /^$/],
            [["sh", "-c", "ps | cat"], 2, "", /^sh: line 1: pipes \(\|\) are not supported/],
          ] as const;
          for (const [command, code, shown, said] of rows) {
            const result = await run(["exec", device, "--", ...command]);
            assert.deepEqual([result.code, result.stdout.toString()], [code, shown], command.join(" "));
            assert.match(result.stderr, said);
          }
          const piped = await run(["exec", "-i", device, "--", "sh"], { input: "echo 'a\nb'\nexit 3\n" });
          assert.deepEqual([piped.code, piped.stdout.toString()], [3, "a\nb\n"]);
          const given = await run(["exec", "-i", device, "--", "sh", "-c", "true && cat"], {
            input: "through",
          });
          assert.deepEqual([given.code, given.stdout.toString()], [0, "through"]);
        });

        for (const [name, ...command] of [
          ["sh", "sh"],
          ["k9s", "sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"],
          ["Lens", "sh", "-c", "clear; (bash || ash || sh)"],
        ] as const)
          test(`on a terminal ${name} opens the device's own shell, which knows its size`, async () => {
            await using window = terminal(
              "exec",
              "-it",
              "-n",
              "default",
              device,
              "-c",
              "device",
              "--",
              ...command,
            );
            await window.waitFor(/> $/, { deadlineMs: 20_000 });
            window.type("size\r");
            await window.process.waitForLine(/^101 37/, { deadlineMs: 20_000 });
            window.type("\x04");
            assert.equal((await window.process.exited).code, 0);
          });

        test("tells the device the size of the terminal, and each change of it", async () => {
          await using window = terminal("exec", "-it", device, "--", "size", "-f");
          await window.process.waitForLine(/101 37/, { deadlineMs: 20_000 });
          await window.resize(80, 24);
          await window.process.waitForLine(/80 24/, { deadlineMs: 20_000 });
          window.type("\x03");
          assert.equal((await window.process.exited).code, 130);
        });

        test("Ctrl-C on a terminal ends the command with 130", async () => {
          await using window = terminal("exec", "-it", device, "--", "top");
          // Only the device prints this, so the terminal is raw by now and the key goes to the device.
          await window.process.waitForLine(/cpu \d+ %/, { deadlineMs: 20_000 });
          window.type("\x03");
          assert.equal((await window.process.exited).code, 130);
        });
      });

      describe("attach", () => {
        test("is the console: commands go in, what they print comes out", async () => {
          const { code, stdout, stderr } = await run(["attach", "-i", device], {
            input: "echo over the console\n",
          });
          assert.equal(code, 0, stderr);
          assert.match(stdout.toString(), /over the console/);
        });

        test("shows what the device prints while nobody types", async () => {
          await using attached = start("kubectl attach", ["attach", device]);
          await waitFor(
            async () => {
              await ok("exec", device, "--", "log", "seen on the console");
              return attached.lastLines().some((line) => line.includes("seen on the console"));
            },
            { deadlineMs: 20_000, what: "a line of the log on the console" },
          );
        });

        test("on a terminal has a prompt, and is left by 04", async () => {
          await using window = terminal("attach", "-it", device);
          const lines = () => window.process.lastLines(200);
          // What kubectl prints when it uses the terminal itself.
          await window.process.waitForLine(/If you don't see a command prompt/, { deadlineMs: 20_000 });
          await waitFor(
            () => {
              window.type("\recho a$\r");
              return lines().some((line) => /a\$/.test(line));
            },
            { deadlineMs: 20_000, intervalMs: 500, what: "the console to echo" },
          );
          window.type("\x04");
          assert.equal((await window.process.exited).code, 0);
          assert.deepEqual(
            lines().filter((line) => /Unable to use a TTY|did not allocate/.test(line)),
            [],
          );
        });
      });

      describe("logs", () => {
        before(async () => {
          for (const line of ["first", "second", "third"]) await ok("exec", device, "--", "log", line);
          await waitFor(async () => /third/.test(await ok("logs", device)), {
            deadlineMs: 20_000,
            what: "the lines in the log",
          });
        });

        test("--tail gives the last lines", async () => {
          assert.equal(await ok("logs", device, "--tail=2"), "second\nthird\n");
          assert.equal(await ok("logs", device, "--tail=0"), "");
        });

        test("--timestamps gives times of 30 characters, and --since-time what came after one", async () => {
          const lines = (await ok("logs", device, "--timestamps", "--tail=2")).trimEnd().split("\n");
          const times = lines.map((line) => line.split(" ")[0] ?? "");
          for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
          assert.match(await ok("logs", device, `--since-time=${times[1]}`), /third\n$/);
          assert.doesNotMatch(await ok("logs", device, "--since-time=2099-01-01T00:00:00Z"), /third/);
        });

        test("--since and --limit-bytes cut", async () => {
          assert.match(await ok("logs", device, "--since=1h"), /third/);
          assert.equal(await ok("logs", device, "--tail=1", "--limit-bytes=3"), "thi");
        });

        test("-f shows what comes while it follows", async () => {
          await using follower = start("kubectl logs -f", ["logs", "-f", "--tail=0", device]);
          await waitFor(
            async () => {
              await ok("exec", device, "--", "log", "followed");
              return follower.lastLines().some((line) => line.includes("followed"));
            },
            { deadlineMs: 20_000, what: "a followed line" },
          );
        });
      });

      describe("port-forward", () => {
        let forward: RunningProcess;
        let port: number;

        before(async () => {
          forward = start("kubectl port-forward", ["port-forward", `pod/${device}`, ":8080"]);
          const [, found] = await forward.waitForLine(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/, {
            deadlineMs: 30_000,
          });
          port = Number(found);
        });
        after(async () => await forward?.[Symbol.asyncDispose]());

        test("carries 20 connections at a time, 500 kB each way", async () => {
          await Promise.all(Array.from({ length: 20 }, () => echoes(port, 500_000)));
        });

        test("carries 10 MB each way over one", async () => {
          await echoes(port, 10 * megabyte);
        });

        test("a connection that its client closes early harms no other", async () => {
          // kubectl 1.30 stops reading for good when a client goes while the device is still sending to it.
          const bytes = version === "1.30" ? 100 : megabyte;
          const socket = await connected(port);
          socket.write(Buffer.alloc(bytes));
          await new Promise((resolve) => socket.once("data", resolve));
          socket.destroy();
          await echoes(port, 100_000);
          assert.equal(forward.lastLines().filter((line) => /lost connection/.test(line)).length, 0);
        });

        test("a port without a service refuses with a line that says so", async () => {
          await using other = start("kubectl port-forward", ["port-forward", `pod/${device}`, ":9"]);
          const [, found] = await other.waitForLine(/Forwarding from 127\.0\.0\.1:(\d+) -> 9/, {
            deadlineMs: 30_000,
          });
          const socket = await connected(Number(found));
          await new Promise((resolve) => socket.once("close", resolve).resume());
          await other.waitForLine(/error|lost connection/i, { deadlineMs: 20_000 });
        });
      });

      describe("cp", () => {
        const local = (name: string) => `${folder.path}/${version}-${protocol}-${name}`;

        test("carries a file there and back", async () => {
          const content = randomBytes(12_345);
          await writeFile(local("file"), content);
          await ok("cp", local("file"), `${device}:/file`);
          await ok("cp", `${device}:/file`, local("back"));
          assert.equal(digest(await readFile(local("back"))), digest(content));
          assert.match(await ok("exec", device, "--", "ls"), /^file$/m);
        });

        test("carries a tree there and back", async () => {
          await mkdir(`${local("tree")}/sub/deeper`, { recursive: true });
          const files = { "a.txt": "a\n", "sub/b.txt": "bb\n", "sub/deeper/empty": "" };
          for (const [name, text] of Object.entries(files)) await writeFile(`${local("tree")}/${name}`, text);
          await ok("cp", local("tree"), `${device}:/tree`);
          await ok("cp", `${device}:/tree`, local("tree-back"));
          for (const [name, text] of Object.entries(files))
            assert.equal(await readFile(`${local("tree-back")}/${name}`, "utf8"), text);
        });

        test("carries 5 MB there and back", async () => {
          const content = randomBytes(5 * megabyte);
          await writeFile(local("large"), content);
          await ok("cp", local("large"), `${device}:/large`);
          await ok("cp", `${device}:/large`, local("large-back"));
          assert.equal(digest(await readFile(local("large-back"))), digest(content));
          await ok("exec", device, "--", "rm", "/large");
        });

        test("of a file that is not there says so", async () => {
          // kubectl's own exit code depends on which of its goroutines is faster, with every kubelet.
          const { stdout, stderr } = await run(["cp", `${device}:/absent`, local("absent")]);
          assert.match(stderr + stdout.toString(), /absent: Cannot stat/);
        });
      });

      // The last one: the device reboots.
      test("logs --previous is what the boot before had said", async () => {
        const line = `before the reboot, ${version} over ${protocol}`;
        await ok("exec", device, "--", "log", line);
        await run(["exec", device, "--", "reboot"]);
        await waitFor(
          async () => {
            const { code, stdout } = await run(["logs", "--previous", device]);
            return code === 0 && stdout.toString().includes(line);
          },
          { deadlineMs: 30_000, what: "the log of the boot before" },
        );
        assert.ok(!(await ok("logs", device)).includes(line));
        await waitFor(async () => (await run(["exec", device, "--", "echo"])).code === 0, {
          deadlineMs: 30_000,
          what: `${device} to answer`,
        });
      });
    });
  }

describe("who has the Role of docs/kubectl.md", { concurrency: false }, () => {
  let kubeconfig: string;
  const role = async () => {
    const text = await readFile(new URL("../../docs/kubectl.md", import.meta.url), "utf8");
    const [, yaml = ""] = /```yaml\n(apiVersion: rbac[^`]+)```/.exec(text) ?? [];
    return yaml;
  };
  const as = async (protocol: string, args: readonly string[], input = "") => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(protocol === "WebSocket") };
    return await cluster.kubectl(args, { kubeconfig, env, input, timeoutMs: 60_000 });
  };

  before(async () => {
    await apply(cluster, await role());
    for (const args of [
      ["create", "serviceaccount", "user"],
      ["create", "rolebinding", "user", "--role=mote-user", "--serviceaccount=default:user"],
    ])
      assert.equal((await cluster.kubectl(args)).code, 0);
    kubeconfig = await cluster.kubeconfigForToken(await cluster.serviceAccountToken("default", "user"));
  });

  for (const protocol of protocols)
    test(`can do all that a Pod can, over ${protocol}`, async () => {
      const file = `${folder.path}/user-${protocol}`;
      await writeFile(file, "a user's");
      for (const [args, input, output] of [
        [["exec", device, "--", "echo", "hi"], "", /^hi$/m],
        [["attach", "-i", device], "echo over the console\n", /over the console/],
        [["logs", device, "--tail=1"], "", /./],
        [["cp", file, `${device}:/of-user`], "", /^/],
        [["exec", device, "--", "cat", "/of-user"], "", /^a user's$/],
      ] as const) {
        const { code, stdout, stderr } = await as(protocol, args, input);
        assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
        assert.match(stdout.toString(), output);
      }
    });

  test("cannot run anything without create, over either protocol", async () => {
    // Kubernetes up to 1.34 took get for enough over WebSocket.
    await apply(cluster, (await role()).replace("verbs: [get, create]", "verbs: [get]"));
    for (const protocol of protocols) {
      const { stderr } = await waitFor(
        async () => {
          const result = await as(protocol, ["exec", device, "--", "echo", "hi"]);
          return result.code !== 0 && result;
        },
        { deadlineMs: 20_000, what: "a refusal" },
      );
      assert.match(stderr, /cannot create resource "pods\/exec"/);
    }
  });
});

test("with kubelet.declareWebSockets off, an API server that could pass WebSockets on translates them", async () => {
  const declared = ["get", "node", device, "-o", "jsonpath={.status.declaredFeatures}"];
  assert.equal((await cluster.kubectl(declared)).stdout.toString(), "");
  const { stdout } = await cluster.kubectl(["get", "--raw", "/metrics"]);
  const counts = stdout
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("apiserver_websocket_streaming_requests_total{"));
  assert.deepEqual(
    counts.filter((line) => line.includes("proxied_to_kubelet")),
    [],
  );
  const couldPassOn = Number(kubernetesVersion().split(".")[1]) >= 36;
  if (couldPassOn)
    assert.ok(
      counts.some((line) => line.includes("translated_at_apiserver") && line.includes('subresource="exec"')),
      counts.join("\n"),
    );
});

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Sends random bytes to an echo service, ends, and expects the same bytes back. */
async function echoes(port: number, bytes: number): Promise<void> {
  const sent = randomBytes(bytes);
  const socket = await connected(port);
  socket.setTimeout(30_000, () => socket.destroy(new RigError("SILENT", "the service echoes no more")));
  socket.end(sent);
  const received: Buffer[] = [];
  for await (const chunk of socket) received.push(chunk);
  assert.equal(digest(Buffer.concat(received)), digest(sent));
}

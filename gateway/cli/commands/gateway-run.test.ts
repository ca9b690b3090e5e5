import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { suite, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { settingKeys } from "@motelet/gateway";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const nodeFlags = ["--conditions=motelet-source"];
const deadline = { timeout: 60_000 };

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "motelet-cli-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end, with no setting in the environment but those given. */
function motelet(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const env = { PATH: process.env.PATH, ...environment };
  execFile(
    process.execPath,
    [...nodeFlags, main, ...args],
    { env, timeout: 50_000 },
    (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
  );
  return promise;
}

suite("motelet gateway", { concurrency: true }, () => {
  test("config prints every setting once, with its value and where it came from", deadline, async (t) => {
    const file = join(await folderFor(t), "gateway.yaml");
    await writeFile(file, "mqtt: {port: 1884, host: 127.0.0.2}\nkubernetes: {namespaces: [a, b]}\n");
    const { code, stdout, stderr } = await motelet(
      ["gateway", "config", "--mqtt-port", "1885", "--log-level", "debug"],
      { MOTELET_CONFIG: file, MOTELET_MQTT_HOST: "127.0.0.3", MOTELET_MQTT_PORT: "1886" },
    );
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => line.slice(0, line.indexOf(": "))),
      settingKeys,
    );
    for (const line of [
      "mqtt.port: 1885  # flag",
      'mqtt.host: "127.0.0.3"  # environment',
      'kubernetes.namespaces: ["a","b"]  # file',
      'log.level: "debug"  # flag',
      "session.heartbeatS: 10  # default",
    ])
      assert.ok(lines.includes(line), line);
  });

  test(
    "config --config wins over the variable, and what it prints is a file it takes",
    deadline,
    async (t) => {
      const folder = await folderFor(t);
      const file = join(folder, "gateway.yaml");
      await writeFile(file, "operations.port: 9096\n");
      const first = await motelet(["gateway", "config", "--config", file], { MOTELET_CONFIG: "/nowhere" });
      assert.match(first.stdout, /^operations\.port: 9096 {2}# file$/m);
      await writeFile(file, first.stdout);
      const second = await motelet(["gateway", "config", "--config", file]);
      assert.equal(second.stdout, first.stdout.replaceAll(/# (default|file)$/gm, "# file"));
    },
  );

  test("what is wrong is one line that names the nearest setting, and exit code 78", deadline, async (t) => {
    const file = join(await folderFor(t), "gateway.yaml");
    await writeFile(file, "mqtt: {prot: 1883}\n");
    const [unknown, wrong] = await Promise.all([
      motelet(["gateway", "config", "--config", file]),
      motelet(["gateway", "run"], { MOTELET_MQTT_PORT: "65536" }),
    ]);
    assert.deepEqual(unknown, {
      code: 78,
      stdout: "",
      stderr: `motelet gateway: mqtt.prot in ${file}: there is no setting mqtt.prot; the nearest is mqtt.port\n`,
    });
    assert.deepEqual(wrong, {
      code: 78,
      stdout: "",
      stderr: 'motelet gateway: MOTELET_MQTT_PORT: expected an integer of 0 to 65535, got "65536"\n',
    });
  });

  test("run: SIGUSR2 switches to debug and back, SIGTERM ends it", deadline, async (t) => {
    const child = await waitingGateway(t);
    const lines = child.stdout.iterator({ destroyOnReturn: false });
    let text = "";
    const saying = async (expected: RegExp) => {
      while (!expected.test(text)) {
        const { value, done } = await lines.next();
        if (done) assert.fail(`ended without ${expected}: ${text}`);
        text += String(value);
      }
    };
    await saying(/context \\"gone\\"","server":"http:\/\/127\.0\.0\.1:1","msg":"cluster chosen"/);
    await saying(/API server does not answer, waiting for it/);
    child.kill("SIGUSR2");
    await saying(/"logLevel":"debug","msg":"log level changed"/);
    child.kill("SIGUSR2");
    await saying(/"logLevel":"info","msg":"log level changed"/);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});

/** A gateway whose API server is not there. */
async function waitingGateway(t: TestContext): Promise<ChildProcessByStdio<null, Readable, null>> {
  const kubeconfig = join(await folderFor(t), "kubeconfig");
  await writeFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "gone",
      contexts: [{ name: "gone", context: { cluster: "gone", user: "gone" } }],
      clusters: [{ name: "gone", cluster: { server: "http://127.0.0.1:1" } }],
      users: [{ name: "gone", user: { token: "t" } }],
    }),
  );
  const child = spawn(
    process.execPath,
    [...nodeFlags, main, "gateway", "run", "--kubernetes-kubeconfig", kubeconfig],
    { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH } },
  );
  t.after(() => child.kill("SIGKILL"));
  return child;
}

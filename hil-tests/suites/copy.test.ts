import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { kubernetesVersion } from "../control-plane/assets.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { findKubectl, kubectlVersions } from "../control-plane/kubectl-clients.ts";
import type { Board } from "../rig/boards/board.ts";
import { startPosixBoard } from "../rig/boards/posix-board.ts";
import { startQemuBoard } from "../rig/boards/qemu-board.ts";
import { startReferenceFleet } from "../rig/boards/reference-board.ts";
import { GatewayProcess } from "../rig/gateway-process.ts";
import {
  apply,
  deviceManifest,
  gatewayAccount,
  gatewayNamespace,
  identityOf,
  install,
  kubectlOk,
} from "../rig/installation.ts";
import { type CommandResult, runCommand } from "../rig/run-command.ts";
import { waitFor } from "../rig/wait.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../rig/watchdog.ts";
import { TcpProxy } from "../rig/wire/tcp-proxy.ts";

/*
 * kubectl cp on a device without a tar: what arrives and what comes back, and what is refused. The device keeps its files
 * in a folder, which is looked into past the device.
 */
const device = "lamp";
const protocols = { WebSocket: "true", SPDY: "false" } as const;
type Protocol = keyof typeof protocols;
/** kubectl.test.ts carries 5 MB with each client. */
const largeBytes = process.env.MOTELET_SOAK ? 5_000_000 : 500_000;

/** The C core: as a process, and as firmware on an emulated Cortex-M3. */
const boards = [
  {
    name: "posix",
    fileBytes: 20_000,
    tooLargeBytes: 9_000_000,
    start: (path: string) => startPosixBoard({ kind: "unix", path, folder: folder.path }),
  },
  {
    name: "arm",
    fileBytes: 20_000,
    tooLargeBytes: 140_000,
    start: (path: string) => startQemuBoard({ unixPath: path }),
  },
] as const;
const running: Board[] = [];

let cluster: ControlPlane;
let gateway: GatewayProcess;
let fleet: Board;
let link: TcpProxy;
let folder: TemporaryFolder;
const lines: string[] = [];
const lost = () => lines.filter((line) => line.includes('"device lost"')).length;

before(async () => {
  folder = makeTemporaryFolder("motelet-copies-");
  cluster = await startControlPlane();
  await install(cluster);
  const token = await cluster.serviceAccountToken(gatewayNamespace, gatewayAccount);
  gateway = new GatewayProcess({
    kubeconfig: await cluster.kubeconfigForToken(token),
    settings: { "session.heartbeatS": "1", "store.path": `${folder.path}/gateway.db` },
    onLine: (line) => lines.push(line),
  });
  await gateway.start();
  const serial = boards.map(({ name }) => deviceManifest(name, { port: `unix:${local(`${name}.sock`)}` }));
  await apply(cluster, [deviceManifest(device), ...serial].join(""));
  const identity = await waitFor(() => identityOf(cluster, device), {
    deadlineMs: 20_000,
    what: `the Secret ${device}-identity`,
  });
  link = await TcpProxy.start(gateway.ports.mqtt);
  const members = [{ name: device, board: "esp32-c3", ...identity }];
  fleet = await startReferenceFleet({ mqttPort: link.port, members, folder: folder.path });
  for (const { name, start } of boards) running.push(await start(local(`${name}.sock`)));
  for (const name of [device, ...boards.map((board) => board.name)]) await reached(name);
});

after(async () => {
  for (const board of [fleet, ...running]) await board?.[Symbol.asyncDispose]();
  await link?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
});

async function reached(name: string): Promise<void> {
  await waitFor(
    async () => (await cluster.kubectl(["exec", name, "--", "echo", "hi"])).stdout.toString() === "hi\n",
    { deadlineMs: 60_000, what: `kubectl exec to reach ${name}` },
  );
}

const local = (name: string) => join(folder.path, name);

async function put(name: string, content: string | Uint8Array, mode = 0o644): Promise<string> {
  await mkdir(dirname(local(name)), { recursive: true });
  await writeFile(local(name), content);
  await chmod(local(name), mode);
  return local(name);
}

async function cp(protocol: Protocol, ...args: readonly string[]): Promise<CommandResult> {
  return cpBy(cluster.kubectlPath, protocol, ...args);
}

async function cpBy(kubectl: string, protocol: Protocol, ...args: readonly string[]): Promise<CommandResult> {
  return runCommand(kubectl, ["cp", ...args], {
    env: { ...cluster.kubectlEnvironment(), KUBECTL_REMOTE_COMMAND_WEBSOCKETS: protocols[protocol] },
    timeoutMs: 60_000,
  });
}

async function copied(protocol: Protocol, ...args: readonly string[]): Promise<CommandResult> {
  const result = await cp(protocol, ...args);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** Extracts an archive on the device, as somebody would who knows no kubectl cp. */
async function extract(archive: Uint8Array, ...args: readonly string[]): Promise<CommandResult> {
  return cluster.kubectl(["exec", "-i", device, "--", "tar", "xf", "-", ...args], { input: archive });
}

const onDevice = async (path: string) =>
  (await cluster.kubectl(["exec", device, "--", "tar", "cf", "-", path])).code === 0;

for (const protocol of ["WebSocket", "SPDY"] as const) {
  describe(`kubectl cp over ${protocol}`, { concurrency: false }, () => {
    test("carries a file there and back, empty ones too", async () => {
      for (const [name, content] of [
        ["some.txt", "some text\n"],
        ["empty", ""],
      ] as const) {
        await copied(protocol, await put(name, content, 0o640), `${device}:/${protocol}/${name}`);
        await copied(protocol, `${device}:/${protocol}/${name}`, local(`back-${name}`));
        assert.equal(await readFile(local(`back-${name}`), "utf8"), content);
      }
    });

    test("puts a file into a directory that is there", async () => {
      await copied(protocol, await put("inner.txt", "inner"), `${device}:/${protocol}`);
      await copied(protocol, `${device}:/${protocol}/inner.txt`, local("inner-back"));
      assert.equal(await readFile(local("inner-back"), "utf8"), "inner");
    });

    test("carries a tree with modes, odd names and long ones", async () => {
      const tree = `tree-${protocol}`;
      const names = [
        "a.txt",
        "sub/with space.txt",
        "sub/größe.txt",
        `${"long-".repeat(20)}/${"name-".repeat(15)}`,
      ];
      for (const name of names) await put(`${tree}/${name}`, `content of ${name}`, 0o600);
      await copied(protocol, local(tree), `${device}:/${tree}`);
      await copied(protocol, `${device}:/${tree}`, local(`${tree}-back`));
      for (const name of names)
        assert.equal(await readFile(local(`${tree}-back/${name}`), "utf8"), `content of ${name}`);
      // kubectl itself does not set modes when it unpacks: tar does.
      const { stdout } = await cluster.kubectl(["exec", device, "--", "tar", "cf", "-", `/${tree}`]);
      execFileSync("tar", ["xpf", "-", "-C", folder.path, "--transform", "s,^tree,unpacked,"], {
        input: stdout,
      });
      assert.equal((await stat(local(`unpacked-${protocol}/a.txt`))).mode & 0o777, 0o600);
    });

    test(`carries ${largeBytes} bytes there and back unchanged`, async () => {
      const content = randomBytes(largeBytes);
      await copied(protocol, await put("large", content), `${device}:/large`);
      await copied(protocol, `${device}:/large`, local("large-back"));
      assert.ok(content.equals(await readFile(local("large-back"))));
    });

    test("says what is not there", async () => {
      const { code, stderr, stdout } = await cp(protocol, `${device}:/absent`, local("absent"));
      assert.notEqual(code, 0);
      assert.match(stderr + stdout, /tar: absent: Cannot stat: No such file or directory/);
    });
  });
}

for (const { name, fileBytes, tooLargeBytes } of boards) {
  describe(`kubectl cp with the C device ${name}`, { concurrency: false }, () => {
    test(`carries ${fileBytes} bytes there and back unchanged`, async () => {
      const content = randomBytes(fileBytes);
      await copied("WebSocket", await put(`${name}-file`, content), `${name}:/file`);
      await copied("WebSocket", `${name}:/file`, local(`${name}-back`));
      assert.ok(content.equals(await readFile(local(`${name}-back`))));
    });

    test("carries a tree there and back", async () => {
      const texts = { "a.txt": "a\n", "sub/b.txt": "bb\n", "sub/empty": "" };
      for (const [file, content] of Object.entries(texts)) await put(`${name}-tree/${file}`, content);
      await copied("SPDY", local(`${name}-tree`), `${name}:/tree`);
      await copied("SPDY", `${name}:/tree`, local(`${name}-tree-back`));
      for (const [file, content] of Object.entries(texts))
        assert.equal(await readFile(local(`${name}-tree-back/${file}`), "utf8"), content);
    });

    test("refuses what it has no room for, before it has come, and a path that is too long for it", async () => {
      const tooLarge = await put(`${name}-too-large`, Buffer.alloc(tooLargeBytes));
      const large = await cp("WebSocket", tooLarge, `${name}:/too-large`);
      assert.notEqual(large.code, 0);
      assert.match(large.stderr, /tar: too-large: Cannot write: No space left on device/);
      const long = await cp(
        "WebSocket",
        await put(`${name}-short`, "short"),
        `${name}:/${"long-".repeat(30)}`,
      );
      assert.notEqual(long.code, 0);
      assert.match(long.stderr, /tar: long-\S+: Cannot write: .*too long/);
    });
  });
}

describe("what is refused", { concurrency: false }, () => {
  test("names that lead elsewhere, links and devices; the rest arrives", async () => {
    for (const name of ["up", "abs", "mid"]) await put(`bad/${name}`, "escaped");
    await put("bad/good", "good");
    await symlink("/etc/passwd", local("bad/link"));
    execFileSync("mkfifo", [local("bad/pipe")]);
    const archive = execFileSync("tar", [
      "-cP",
      "-C",
      local("bad"),
      "--transform=flags=r;s,^up$,../../up,;s,^abs$,/abs,;s,^mid$,a/../../mid,",
      ...["up", "abs", "mid", "link", "pipe", "good"],
    ]);
    const { code, stderr } = await extract(archive, "-C", "/safe");
    assert.equal(code, 2);
    for (const line of [
      "tar: ../../up: Member name contains '..'",
      "tar: /abs: Member name is absolute",
      "tar: a/../../mid: Member name contains '..'",
      "tar: link: Cannot create symlink to '/etc/passwd': Operation not permitted",
      "tar: pipe: Cannot mknod: Operation not permitted",
    ])
      assert.ok(stderr.includes(`${line}\n`), `${line} is missing in: ${stderr}`);
    assert.ok(await onDevice("/safe/good"));
    for (const path of ["/up", "/abs", "/mid", "/safe/link", "/safe/pipe"])
      assert.equal(await onDevice(path), false, path);
  });

  test("a link in a tree that kubectl copies", async () => {
    await put("linked/file", "content");
    await symlink("/etc/passwd", local("linked/passwd"));
    const { code, stderr } = await cp("WebSocket", local("linked"), `${device}:/linked`);
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot create symlink/);
    assert.ok(await onDevice("/linked/file"));
  });

  test("a path that climbs, on either side", async () => {
    const there = await cp("WebSocket", await put("climber", "x"), `${device}:../../up/climber`);
    assert.notEqual(there.code, 0);
    assert.match(there.stderr, /contains '\.\.'/);
    const back = await cp("WebSocket", `${device}:../../etc`, local("etc"));
    assert.notEqual(back.code, 0);
    assert.match(back.stderr + back.stdout, /Member name contains '\.\.'/);
    assert.ok(!(await readdir(folder.path)).includes("etc"));
  });

  test("a file for which there is no room, before it has come", async () => {
    const startedMs = performance.now();
    const { code, stderr } = await cp(
      "WebSocket",
      await put("too-large", Buffer.alloc(20_000_000)),
      `${device}:/too-large`,
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /tar: too-large: Cannot write: No space left on device/);
    assert.equal(await onDevice("/too-large"), false);
    assert.ok(performance.now() - startedMs < 20_000);
  });

  test("commands of tar that are not done here", async () => {
    const { code, stderr } = await cluster.kubectl(["exec", device, "--", "tar", "czf", "-", "/"]);
    assert.equal(code, 2);
    assert.match(stderr, /tar: invalid option -- 'z'/);
  });
});

describe("a link that drops in the middle", { concurrency: false }, () => {
  /** As much as takes seconds, so that the line can be cut in the middle on a busy machine, too. */
  const content = randomBytes(5_000_000);

  /** Starts a copy and cuts the line when some of it has come. */
  async function interrupted(
    kubectl: string,
    ...flags: readonly string[]
  ): Promise<{ result: Promise<CommandResult> }> {
    await waitFor(async () => (await kubectlOk(cluster, "exec", device, "--", "echo", "hi")) === "hi\n", {
      deadlineMs: 30_000,
      what: "the device to be there",
    });
    const before = await gateway.metric("motelet_copy_bytes_total", { direction: "from" });
    const result = cpBy(kubectl, "WebSocket", ...flags, `${device}:/dropped`, local("dropped-back"));
    await waitFor(
      async () => (await gateway.metric("motelet_copy_bytes_total", { direction: "from" })) > before,
      { deadlineMs: 20_000, what: "the copy to begin", intervalMs: 5 },
    );
    link.fallSilent();
    return { result };
  }

  before(async () => {
    await copied("WebSocket", await put("dropped", content), `${device}:/dropped`);
  });

  test("ends kubectl cp with a clear message, soon after the device counts as lost", async () => {
    const before = lost();
    const { result } = await interrupted(cluster.kubectlPath);
    await waitFor(() => lost() > before, { deadlineMs: 20_000, what: "the device to count as lost" });
    const lostMs = performance.now();
    const { code, stderr, stdout } = await result;
    const tookMs = performance.now() - lostMs;
    link.pass();
    assert.notEqual(code, 0);
    assert.match(stderr + stdout, /UNAVAILABLE|offline|lost/);
    assert.ok(tookMs < 3_000, `${tookMs} ms after the device was lost`);
  });

  // Before 1.36 the path is not quoted.
  for (const version of process.env.MOTELET_MATRIX ? kubectlVersions() : [kubernetesVersion()])
    test(`is resumed by --retries of kubectl ${version} where it was`, async () => {
      const before = lost();
      const { result } = await interrupted(await findKubectl(version), "--retries=5");
      // Not by its Node: after some losses that stays NotReady because it is flapping.
      await waitFor(() => lost() > before, { deadlineMs: 20_000, what: "the device to count as lost" });
      link.pass();
      const { code, stderr, stdout } = await result;
      assert.equal(code, 0, stderr);
      assert.match(stdout.toString(), /Resuming copy at \d+ bytes, retry 1\/5/);
      assert.ok(content.equals(await readFile(local("dropped-back"))));
    });
});

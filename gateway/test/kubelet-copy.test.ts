import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as breathe } from "node:timers/promises";
import { Registry } from "../src/devices/registry.ts";
import type { CommandExit } from "../src/devices/verbs/command-session.ts";
import type { ExecVerb } from "../src/devices/verbs/exec.ts";
import { RequestError, UnavailableError } from "../src/foundation/errors.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { copyingExec } from "../src/programs/tar/copying-exec.ts";
import { archiveLimits } from "../src/programs/tar/tar-extract.ts";
import { encodeTarHeader } from "../src/programs/tar/tar-header.ts";
import { FakeExec } from "./fakes/fake-exec.ts";
import { FakeFiles } from "./fakes/fake-files.ts";
import { liveBytes } from "./fakes/live-memory.ts";
import { ManualClock } from "./fakes/manual-clock.ts";

const deadline = { timeout: 60_000 };
const key = "default/lamp";

class Copying {
  readonly files = new FakeFiles();
  readonly device = new FakeExec();
  readonly clock = new ManualClock();
  readonly metrics = new Metrics();
  readonly exec: ExecVerb;

  constructor(options: { capabilities?: readonly string[]; maxCopies?: number } = {}) {
    const { capabilities = ["exec", "files"], ...rest } = options;
    const registry = new Registry(() => 0);
    registry.admit({ namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false });
    registry.learn(key, { phase: "Online", capabilities });
    const { device: exec, files, clock, metrics } = this;
    this.exec = copyingExec({ exec, files, registry, clock, metrics, ...rest });
  }

  start(argv: readonly string[], stdin = false, signal = new AbortController().signal) {
    return this.exec.start(key, { argv, stdin, stdout: true, stderr: true, tty: false }, { signal });
  }

  async run(argv: readonly string[], input?: Uint8Array | AsyncIterable<Uint8Array>) {
    await using session = await this.start(argv, input !== undefined);
    const feeding = (async () => {
      if (input === undefined) return;
      for await (const bytes of input instanceof Uint8Array ? cut(input, 32_768) : input)
        await session.write(bytes);
      await session.endInput();
    })().catch(() => undefined);
    const [stdout, stderr, exit] = await Promise.all([
      Array.fromAsync(session.stdout),
      Array.fromAsync(session.stderr),
      session.exit,
    ]);
    await feeding;
    return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), exit };
  }
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const ended = (exitCode: number): CommandExit => ({ status: 0, exitCode });

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "motelet-copy-"));
  write(name: string, content: string, mode = 0o644): void {
    mkdirSync(join(this.path, name, ".."), { recursive: true });
    writeFileSync(join(this.path, name), content, { mode });
  }
  tar(...args: string[]): Buffer {
    return execFileSync("tar", ["-C", this.path, ...args], { maxBuffer: 50_000_000 });
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

test("a tree that GNU tar packed is on the device, with its modes", deadline, async () => {
  using folder = new Folder();
  folder.write("site/index.html", "<p>hi", 0o640);
  folder.write("site/empty", "");
  folder.write(`site/${"long-".repeat(20)}/${"name-".repeat(20)}`, "long");
  folder.write("site/größe", "utf-8");
  for (const format of ["ustar", "gnu", "pax"]) {
    const copying = new Copying();
    // ustar cannot say every name.
    const names = format === "ustar" ? ["site/index.html", "site/empty"] : ["site"];
    const archive = folder.tar("-c", `--format=${format}`, ...names);
    const { exit, stderr, stdout } = await copying.run(["tar", "-xmf", "-", "-C", "/www"], archive);
    assert.deepEqual([exit, stderr, stdout.length], [ended(0), "", 0], format);
    assert.equal(copying.files.text("/www/site/index.html"), "<p>hi");
    assert.equal(copying.files.files.get("/www/site/index.html")?.mode, 0o640);
    assert.equal(copying.files.text("/www/site/empty"), "");
    if (format === "ustar") continue;
    assert.equal(copying.files.text(`/www/site/${"long-".repeat(20)}/${"name-".repeat(20)}`), "long");
    assert.equal(copying.files.text("/www/site/größe"), "utf-8");
  }
});

test("an archive that comes byte by byte is the same archive", deadline, async () => {
  using folder = new Folder();
  folder.write("a", "one");
  folder.write("b", "x".repeat(600));
  const copying = new Copying();
  const { exit } = await copying.run(["tar", "-xmf", "-"], cut(folder.tar("-c", "a", "b"), 1));
  assert.deepEqual(exit, ended(0));
  assert.deepEqual([copying.files.text("/a"), copying.files.text("/b")], ["one", "x".repeat(600)]);
});

test("--no-preserve takes the modes that umask leaves", deadline, async () => {
  using folder = new Folder();
  folder.write("a", "");
  const copying = new Copying();
  const argv = ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"];
  await copying.run(argv, folder.tar("-c", "--mode=777", "a"));
  assert.equal(copying.files.files.get("/a")?.mode, 0o755);
});

test("a tree of the device unpacks with GNU tar, with modes and times", deadline, async () => {
  using folder = new Folder();
  const copying = new Copying();
  copying.files.put("/data/a.txt", "one", 0o600, 1_700_000_000_000);
  copying.files.put("/data/sub/empty", "");
  copying.files.put("/data/sub/big", "y".repeat(100_000));
  copying.files.put("/other", "not copied");
  const { stdout, stderr, exit } = await copying.run(["tar", "cf", "-", "/data"]);
  assert.deepEqual([exit, stderr], [ended(0), ""]);
  execFileSync("tar", ["xpf", "-", "-C", folder.path], { input: stdout });
  assert.equal(readFileSync(join(folder.path, "data/a.txt"), "utf8"), "one");
  const { mode, mtimeMs } = statSync(join(folder.path, "data/a.txt"));
  assert.deepEqual([mode & 0o777, mtimeMs], [0o600, 1_700_000_000_000]);
  assert.equal(readFileSync(join(folder.path, "data/sub/big"), "utf8"), "y".repeat(100_000));
  assert.equal(readFileSync(join(folder.path, "data/sub/empty"), "utf8"), "");
  assert.throws(() => statSync(join(folder.path, "other")));
});

test(
  "the root and the working directory are copied without a name before their members",
  deadline,
  async () => {
    const copying = new Copying();
    copying.files.put("/a", "one");
    for (const name of ["/", ".", "./"]) {
      const { stdout } = await copying.run(["tar", "cf", "-", name]);
      assert.equal(execFileSync("tar", ["tf", "-"], { input: stdout, encoding: "utf8" }), "a\n");
    }
  },
);

test("an archive is the same from every byte on, and what is skipped is not fetched", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/d/a", "a".repeat(1_000));
  copying.files.put(`/d/${"n".repeat(120)}`, "b".repeat(512));
  copying.files.put("/d/z", "c".repeat(3_000));
  const { stdout: whole } = await copying.run(["tar", "cf", "-", "/d"]);
  for (const first of [0, 1, 2, 512, 513, 1_025, 2_000, 3_500, 5_000, whole.length, whole.length + 1]) {
    copying.files.readBytes = 0;
    const { stdout, exit } = await copying.run(["sh", "-c", `tar cf - '/d' | tail -c+${first}`]);
    assert.deepEqual(exit, ended(0));
    assert.ok(stdout.equals(whole.subarray(Math.max(0, first - 1))), `from byte ${first}`);
    assert.ok(copying.files.readBytes <= stdout.length, `${copying.files.readBytes} bytes fetched`);
  }
});

test(
  "a link that drops ends a resumable copy with 0, and the next attempt completes it",
  deadline,
  async () => {
    const copying = new Copying();
    const content = Buffer.from("0123456789".repeat(2_000));
    copying.files.put("/a", content);
    const { stdout: whole } = await copying.run(["tar", "cf", "-", "/a"]);
    copying.files.readsLeftBytes = 5_000;
    const running = copying.run(["sh", "-c", "tar cf - '/a' | tail -c+0"]);
    while (!copying.files.isAway) await breathe();
    for (let second = 0; second < 3; second++) {
      copying.clock.advance(1_000);
      await breathe();
    }
    copying.files.isAway = false;
    copying.files.readsLeftBytes = Number.POSITIVE_INFINITY;
    copying.clock.advance(1_000);
    const first = await running;
    assert.deepEqual(first.exit, ended(0));
    assert.match(first.stderr, /^tar: device default\/lamp went offline\n$/);
    const interrupted = { outcome: "interrupted", direction: "from" };
    assert.equal(await copying.metrics.valueOf("motelet_copies_total", interrupted), 1);
    assert.ok(first.stdout.length > 4_000 && first.stdout.length < 6_000);
    const second = await copying.run(["sh", "-c", `tar cf - '/a' | tail -c+${first.stdout.length + 1}`]);
    assert.ok(Buffer.concat([first.stdout, second.stdout]).equals(whole));
  },
);

test("a device that stays away ends a resumable copy with that", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", "x".repeat(10_000));
  copying.files.readsLeftBytes = 5_000;
  const running = copying.run(["sh", "-c", "tar cf - '/a' | tail -c+0"]);
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 1_000 && !isOver; turn++) {
    if (copying.files.isAway) copying.clock.advance(1_000);
    await breathe();
  }
  assert.deepEqual((await running).exit, {
    status: 14,
    exitCode: 0,
    message: "device default/lamp went offline",
  });
  assert.ok(copying.clock.monotonicMs() >= 30_000);
});

test("without tail a lost device ends the copy at once", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", "x".repeat(10_000));
  copying.files.readsLeftBytes = 5_000;
  const { exit } = await copying.run(["tar", "cf", "-", "/a"]);
  assert.equal(exit.status, 14);
  assert.equal(
    await copying.metrics.valueOf("motelet_copies_total", { outcome: "lost", direction: "from" }),
    1,
  );
  assert.equal(await copying.metrics.valueOf("motelet_copies_open"), 0);
});

test("files that changed between two attempts are not stitched together", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", "x".repeat(3_000), 0o644, 1_000_000);
  copying.files.readsLeftBytes = 1_500;
  const running = copying.run(["sh", "-c", "tar cf - '/a' | tail -c+0"]);
  while (!copying.files.isAway) await breathe();
  copying.files.put("/a", "y".repeat(3_000), 0o644, 2_000_000);
  copying.files.isAway = false;
  copying.files.readsLeftBytes = Number.POSITIVE_INFINITY;
  await breathe();
  copying.clock.advance(1_000);
  const { stdout } = await running;
  const second = await copying.run(["sh", "-c", `tar cf - '/a' | tail -c+${stdout.length + 1}`]);
  assert.deepEqual(second.exit, ended(2));
  assert.match(second.stderr, /^tar: a: Files changed since the copy began/);
});

for (const [what, change, words] of [
  ["shrinks", "x".repeat(900), /^tar: a: File shrank by 2100 bytes\n$/],
  ["grows", "x".repeat(3_001), /^tar: a: File grew beyond 3000 bytes\n$/],
] as const) {
  test(`a file that ${what} while it is read ends the copy`, deadline, async () => {
    const copying = new Copying();
    copying.files.put("/a", "x".repeat(3_000));
    copying.files.onRead = () => copying.files.put("/a", change);
    const { exit, stderr } = await copying.run(["tar", "cf", "-", "/a"]);
    assert.deepEqual(exit, ended(2));
    assert.match(stderr, words);
  });
}

test("a file that the device says has changed is no reason to resume", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", "x".repeat(3_000));
  copying.files.onRead = (_path, offset) => {
    if (offset > 0) throw new UnavailableError("FILE_DATA_LOSS", "device default/lamp: DATA_LOSS");
  };
  const { exit, stderr } = await copying.run(["sh", "-c", "tar cf - '/a' | tail -c+0"]);
  assert.deepEqual(exit, ended(2));
  assert.equal(stderr, "tar: a: File changed as we read it\n");
});

test("what is not there is told, the rest is copied, and the code is 2", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", "one");
  const { exit, stderr, stdout } = await copying.run(["tar", "cf", "-", "nosuch", "../up", "a"]);
  assert.deepEqual(exit, ended(2));
  assert.equal(
    stderr,
    "tar: nosuch: Cannot stat: No such file or directory\n" +
      "tar: ../up: Member name contains '..'\n" +
      "tar: Exiting with failure status due to previous errors\n",
  );
  assert.equal(execFileSync("tar", ["tf", "-"], { input: stdout, encoding: "utf8" }), "a\n");
  // Header and content: kubectl would take an archive with its end for success.
  assert.equal(stdout.length, 1_024);
});

test(
  "members that lead elsewhere, links and devices are refused by name; the others arrive",
  deadline,
  async () => {
    using folder = new Folder();
    folder.write("good", "1");
    folder.write("later", "2");
    symlinkSync("/etc", join(folder.path, "link"));
    execFileSync("ln", [join(folder.path, "good"), join(folder.path, "hard")]);
    execFileSync("mkfifo", [join(folder.path, "pipe")]);
    const copying = new Copying();
    const archive = folder.tar(
      "-cP",
      "--transform=s,^up$,../up,;s,^abs$,/abs,;s,^mid$,a/../../mid,",
      "good",
      "hard",
      "link",
      "pipe",
      "later",
    );
    const escapes = ["up", "abs", "mid"];
    for (const name of escapes) folder.write(name, "escaped");
    const bad = folder.tar("-cP", "--transform=s,^up$,../up,;s,^abs$,/abs,;s,^mid$,a/../../mid,", ...escapes);
    const both = Buffer.concat([bad.subarray(0, 3 * 1_024), archive]);
    const { exit, stderr } = await copying.run(["tar", "-xmf", "-", "-C", "/data"], both);
    assert.deepEqual(exit, ended(2));
    assert.deepEqual(stderr.split("\n"), [
      "tar: ../up: Member name contains '..'",
      "tar: /abs: Member name is absolute",
      "tar: a/../../mid: Member name contains '..'",
      "tar: hard: Cannot hard link to 'good': Operation not permitted",
      "tar: link: Cannot create symlink to '/etc': Operation not permitted",
      "tar: pipe: Cannot mknod: Operation not permitted",
      "tar: Exiting with failure status due to previous errors",
      "",
    ]);
    assert.deepEqual(copying.files.written, ["/data/good", "/data/later"]);
  },
);

test("a file for which there is no room is refused before its bytes come", deadline, async () => {
  using folder = new Folder();
  folder.write("big", "x".repeat(2_000));
  folder.write("small", "y");
  const copying = new Copying();
  copying.files.roomBytes = 1_999;
  const { exit, stderr } = await copying.run(["tar", "-xmf", "-"], folder.tar("-c", "big", "small"));
  assert.deepEqual(exit, ended(2));
  assert.equal(
    stderr,
    "tar: big: Cannot write: No space left on device\ntar: Error is not recoverable: exiting now\n",
  );
  assert.deepEqual(copying.files.written, []);
  copying.files.roomBytes = 2_001;
  assert.deepEqual(
    (await copying.run(["tar", "-xmf", "-"], folder.tar("-c", "big", "small"))).exit,
    ended(0),
  );
});

test("a file that no device could hold is refused, the largest is asked for", deadline, async () => {
  const asked: (number | undefined)[] = [];
  for (const size of [archiveLimits.fileBytes, archiveLimits.fileBytes + 1]) {
    const copying = new Copying();
    copying.files.write = async (_key, _path, file) => {
      asked.push(file.size);
      throw new RequestError("FILE_NO_ROOM", "no space left on device");
    };
    const header = encodeTarHeader({ name: "a", type: "file", size, mode: 0o644 });
    const { exit, stderr } = await copying.run(["tar", "-xmf", "-"], header);
    assert.deepEqual(exit, ended(2));
    assert.match(stderr, size > archiveLimits.fileBytes ? /File too large/ : /No space left/);
  }
  assert.deepEqual(asked, [archiveLimits.fileBytes]);
});

test("a file where a directory is, is refused and the rest goes on", deadline, async () => {
  using folder = new Folder();
  folder.write("a", "x".repeat(50_000));
  folder.write("b", "y");
  const copying = new Copying();
  copying.files.put("/a/inner", "");
  const { exit, stderr } = await copying.run(["tar", "-xmf", "-"], folder.tar("-c", "a", "b"));
  assert.deepEqual(exit, ended(2));
  assert.match(stderr, /^tar: a: Cannot write: Is a directory/);
  assert.equal(copying.files.text("/b"), "y");
});

test("a device that ends a file while its bytes are awaited gets the next one", deadline, async () => {
  using folder = new Folder();
  folder.write("a", "x".repeat(3_000));
  folder.write("b", "y");
  const copying = new Copying();
  const write = copying.files.write.bind(copying.files);
  const awaited = Promise.withResolvers<void>();
  copying.files.write = async (device, path, file, options) => {
    if (path !== "/a") return write(device, path, file, options);
    const source = file.bytes[Symbol.asyncIterator]();
    await source.next();
    void source.next();
    void source.return?.();
    awaited.resolve();
    throw new RequestError("FILE_PATH_TOO_LONG", "too long for the device");
  };
  const archive = folder.tar("-c", "a", "b");
  async function* late() {
    yield archive.subarray(0, 600);
    await awaited.promise;
    yield archive.subarray(600);
  }
  const { exit, stderr } = await copying.run(["tar", "-xmf", "-"], late());
  assert.deepEqual(exit, ended(2));
  assert.match(stderr, /^tar: a: Cannot write: too long for the device\n/);
  assert.equal(copying.files.text("/b"), "y");
});

for (const [what, input, words] of [
  ["nothing", Buffer.alloc(0), /does not look like a tar archive/],
  ["noise", Buffer.alloc(2_048, "noise"), /Invalid tar header/],
] as const) {
  test(`${what} is no archive`, deadline, async () => {
    const { exit, stderr } = await new Copying().run(["tar", "-xmf", "-"], input);
    assert.deepEqual(exit, ended(2));
    assert.match(stderr, words);
  });
}

test("an archive that is cut off leaves no half file", deadline, async () => {
  using folder = new Folder();
  folder.write("a", "x");
  folder.write("b", "y".repeat(9_000));
  const copying = new Copying();
  const { exit, stderr } = await copying.run(
    ["tar", "-xmf", "-"],
    folder.tar("-c", "a", "b").subarray(0, 6_000),
  );
  assert.deepEqual(exit, ended(2));
  assert.match(stderr, /Unexpected end of data/);
  assert.deepEqual(copying.files.written, ["/a"]);
});

test("tar without stdin says that there is no archive", deadline, async () => {
  const { exit } = await new Copying().run(["tar", "-xmf", "-"]);
  assert.deepEqual(exit, ended(2));
});

test("zeros without end are not read without end", deadline, async () => {
  let given = 0;
  async function* zeros() {
    for (; given < 10 * archiveLimits.bytesBetweenMembers; given += 32_768) yield Buffer.alloc(32_768);
  }
  const { exit, stderr } = await new Copying().run(["tar", "-xmf", "-"], zeros());
  assert.deepEqual(exit, ended(2));
  assert.match(stderr, /no member within 1048576 bytes/);
  assert.ok(given < 2 * archiveLimits.bytesBetweenMembers);
});

test(
  "a header that stretches beyond the limit is refused, one that reaches it is not",
  deadline,
  async () => {
    const pax = (bytes: number) => {
      const header = Buffer.from(
        execFileSync("tar", ["-c", "--format=pax", "-C", "/", "--no-recursion", "dev"]).subarray(0, 512),
      );
      header.fill(0, 0, 157);
      header.write("PaxHeader", 0);
      for (const [at, text] of [
        [100, "0000644"],
        [108, "0000000"],
        [116, "0000000"],
        [136, "00000000000"],
      ] as const)
        header.write(text, at);
      header.write(bytes.toString(8).padStart(11, "0"), 124);
      header.write("        ", 148);
      header.write("x", 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      return Buffer.concat([header, Buffer.alloc(bytes, "#")]);
    };
    using folder = new Folder();
    folder.write("a", "x");
    const copying = new Copying();
    const fits = Buffer.concat([pax(archiveLimits.bytesBetweenMembers - 32_768), folder.tar("-c", "a")]);
    assert.deepEqual((await copying.run(["tar", "-xmf", "-"], fits)).exit, ended(0));
    const stretches = Buffer.concat([pax(archiveLimits.bytesBetweenMembers + 65_536), folder.tar("-c", "a")]);
    assert.match((await copying.run(["tar", "-xmf", "-"], stretches)).stderr, /no member within/);
  },
);

test("a device that takes nothing stops the caller, and its caller's going frees all", deadline, async () => {
  const copying = new Copying();
  copying.files.write = (_key, _path, _file, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new UnavailableError("FILES_CANCELLED", "cancelled"))),
    );
  using folder = new Folder();
  folder.write("a", "x".repeat(5_000_000));
  const archive = folder.tar("-c", "a");
  const session = await copying.start(["tar", "-xmf", "-"], true);
  let given = 0;
  const feeding = (async () => {
    for await (const bytes of cut(archive, 32_768)) {
      await session.write(bytes);
      given += bytes.length;
    }
  })().catch(() => undefined);
  let last = -1;
  for (let turn = 0; turn < 1_000 && last !== given; turn++) {
    last = given;
    for (let pause = 0; pause < 20; pause++) await breathe();
  }
  assert.ok(given < 200_000, `${given} bytes went in`);
  await session[Symbol.asyncDispose]();
  await feeding;
  assert.equal(await copying.metrics.valueOf("motelet_copies_open"), 0);
  assert.equal(await copying.metrics.valueOf("motelet_copies_total", { outcome: "cancelled" }), 1);
});

test("a caller that reads nothing stops the device", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/a", Buffer.alloc(5_000_000));
  const session = await copying.start(["tar", "cf", "-", "/a"]);
  const reader = session.stdout[Symbol.asyncIterator]();
  await reader.next();
  for (let pause = 0; pause < 100; pause++) await breathe();
  assert.ok(copying.files.readBytes < 5_000, `${copying.files.readBytes} bytes were read`);
  await session[Symbol.asyncDispose]();
});

test(
  "copies beyond the limit are turned away, and the next one is taken when one has ended",
  deadline,
  async () => {
    const copying = new Copying({ maxCopies: 2 });
    copying.files.put("/a", "x");
    const [first, second] = [
      await copying.start(["tar", "cf", "-", "/a"]),
      await copying.start(["tar", "cf", "-", "/a"]),
    ];
    await assert.rejects(copying.start(["tar", "cf", "-", "/a"]), UnavailableError);
    assert.equal(await copying.metrics.valueOf("motelet_copies_total", { outcome: "busy" }), 1);
    assert.deepEqual((await copying.run(["test", "-f", "/a"])).exit, ended(0));
    await first[Symbol.asyncDispose]();
    assert.deepEqual((await copying.run(["tar", "cf", "-", "/a"])).exit, ended(0));
    await second[Symbol.asyncDispose]();
  },
);

test("test tells directories and files apart", deadline, async () => {
  const copying = new Copying();
  copying.files.put("/d/a", "");
  const codes = async (path: string) =>
    Promise.all(
      ["-d", "-f", "-e"].map(async (flag) => (await copying.run(["test", flag, path])).exit.exitCode),
    );
  assert.deepEqual(await codes("/d"), [0, 1, 0]);
  assert.deepEqual(await codes("d/a"), [1, 0, 0]);
  assert.deepEqual(await codes("/nosuch"), [1, 1, 1]);
  assert.deepEqual(await codes("/d/.."), [1, 1, 1]);
  copying.files.isAway = true;
  assert.equal((await copying.run(["test", "-d", "/d"])).exit.status, 14);
});

test("other commands are the device's, and so is test where it keeps no files", deadline, async () => {
  const copying = new Copying();
  assert.equal((await copying.run(["echo", "tar"])).stdout.toString(), "tar\n");
  await assert.rejects(copying.run(["sh", "-c", "echo hi"]));
  const bare = new Copying({ capabilities: ["exec"] });
  await assert.rejects(bare.run(["test", "-d", "/"]), /no command "test"/);
  const { exit, stderr } = await bare.run(["tar", "cf", "-", "/a"]);
  assert.deepEqual(exit, ended(2));
  assert.equal(stderr, "tar: device default/lamp has no files: its firmware lacks the capability files\n");
});

const deaths = process.env.MOTELET_SOAK ? 1_000 : 100;
test(`copies whose device dies leave nothing behind, ${deaths} times`, { timeout: 120_000 }, async () => {
  using folder = new Folder();
  folder.write("b", "y".repeat(20_000));
  const archive = folder.tar("-c", "b");
  const copying = new Copying();
  copying.files.put("/a", "x".repeat(20_000));
  const round = async () => {
    copying.files.isAway = false;
    copying.files.readsLeftBytes = 5_000;
    const from = await copying.run(["tar", "cf", "-", "/a"]);
    assert.equal(from.exit.status, 14);
    const to = await copying.run(["tar", "-xmf", "-"], archive);
    assert.equal(to.exit.status, 14);
  };
  for (let times = 0; times < deaths / 5; times++) await round();
  const before = await liveBytes();
  for (let times = 0; times < deaths; times++) await round();
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes more`);
  assert.equal(await copying.metrics.valueOf("motelet_copies_open"), 0);
  assert.equal(copying.files.text("/b"), undefined);
});

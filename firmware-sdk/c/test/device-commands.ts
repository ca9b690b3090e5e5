import assert from "node:assert/strict";
import { test } from "node:test";
import { type CborValue, commands, ExecControl, ExecFlag, Status } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import type { RunningDevice } from "./device-suite.ts";

const pattern = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 11 + (i >> 8)) & 0xff));
const mode = 0o640;

/** The commands of files, consoles, stats, services and peripherals on every port, said once. */
export function testCommands(port: string, start: () => Promise<RunningDevice>): void {
  const write = (gateway: LineGateway, path: string, bytes: Uint8Array, size: number | null = bytes.length) =>
    gateway.transfer(commands.fileWrite.op, (stream) => [stream, size, mode, path], bytes);
  const read = (gateway: LineGateway, path: string, offset = 0) =>
    gateway.transfer(commands.fileRead.op, (stream) => [stream, offset, path]);
  const shell = async (gateway: LineGateway, ...argv: string[]) => {
    const { stdout, exitCode } = await gateway.exec(argv);
    return [stdout.toString(), exitCode];
  };

  test(`${port}: a file of 20 kB is written, listed, read from any offset, replaced, renamed and removed`, async (context) => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const file = pattern(20_000);
    let before = performance.now();
    assert.equal((await write(gateway, "/etc/app.conf", file)).status, Status.OK);
    context.diagnostic(`${port}: 20 kB written in ${((performance.now() - before) / 1000).toFixed(2)} s`);
    const stat = await gateway.request(commands.fileStat.op, ["/etc/app.conf"]);
    assert.deepEqual(stat.result.slice(0, 3), [0, 20_000, mode]);
    const [seconds] = stat.result[3] as number[];
    assert.ok(Math.abs((seconds as number) - 1_700_000_000) < 300);
    assert.deepEqual((await gateway.request(commands.fileStat.op, ["/etc"])).result.slice(0, 2), [1, 0]);
    before = performance.now();
    const whole = await read(gateway, "/etc/app.conf");
    context.diagnostic(`${port}: 20 kB read in ${((performance.now() - before) / 1000).toFixed(2)} s`);
    assert.ok(whole.stdout.equals(file) && whole.status === Status.OK && whole.exitCode === undefined);
    for (const offset of [1, 4_087, 4_088, 19_999, 20_000]) {
      assert.ok(
        (await read(gateway, "/etc/app.conf", offset)).stdout.equals(file.subarray(offset)),
        `${offset}`,
      );
    }
    await assert.rejects(read(gateway, "/etc/app.conf", 20_001), /status 11/);

    assert.equal((await write(gateway, "/etc/app.conf", Buffer.from("new"), null)).status, Status.OK);
    assert.equal((await read(gateway, "/etc/app.conf")).stdout.toString(), "new");
    assert.equal((await write(gateway, "/empty", Buffer.alloc(0))).status, Status.OK);
    assert.equal(
      (await gateway.request(commands.fileRename.op, ["/etc/app.conf", "/empty"])).status,
      Status.OK,
    );
    assert.equal((await read(gateway, "/empty")).stdout.toString(), "new");
    assert.equal((await gateway.request(commands.fileStat.op, ["/etc"])).status, Status.NOT_FOUND);
    assert.equal((await gateway.request(commands.fileRemove.op, ["/empty"])).status, Status.OK);
    assert.deepEqual((await gateway.request(commands.fileList.op, ["/", 0])).result, [0, []]);
  });

  test(`${port}: a directory of 20 files and 2 directories is listed in pages, in order`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const names = Array.from({ length: 20 }, (_, i) => `file-${String(i * 7).padStart(3, "0")}`);
    for (const name of [...names, "z/1", "z/2", "a/b/c"])
      await write(gateway, `/dir/${name}`, Buffer.from(name));
    const listed: string[] = [];
    let pages = 0;
    for (let total = 1; listed.length < total; pages++) {
      const { status, result } = await gateway.request(commands.fileList.op, ["/dir", listed.length]);
      assert.equal(status, Status.OK);
      total = result[0] as number;
      listed.push(...(result[1] as [string][]).map(([name]) => name));
    }
    assert.deepEqual(listed, ["a", ...names, "z"]);
    assert.ok(pages > 2, `${pages} pages`);
    assert.deepEqual((await gateway.request(commands.fileList.op, ["/dir", listed.length])).result, [
      listed.length,
      [],
    ]);
    assert.equal(
      (await gateway.request(commands.fileList.op, ["/dir/z/1", 0])).status,
      Status.FAILED_PRECONDITION,
    );
    assert.equal((await gateway.request(commands.fileList.op, ["/di", 0])).status, Status.NOT_FOUND);
  });

  test(`${port}: what is wrong with a file is told, and leaves the one before`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const before = Buffer.from("before");
    await write(gateway, "/dir/file", before);
    assert.equal((await write(gateway, "/dir/file", pattern(10), 11)).status, Status.DATA_LOSS);
    assert.equal((await write(gateway, "/dir/file", pattern(12), 11)).status, Status.DATA_LOSS);
    const aborted = await gateway.open(commands.fileWrite.op, (stream) => [stream, null, mode, "/dir/file"]);
    aborted.write("half of");
    aborted.endInput(Status.CANCELLED);
    await until("its end", () => aborted.end !== undefined);
    assert.equal(aborted.end?.status, Status.CANCELLED);
    const cancelled = await gateway.open(commands.fileWrite.op, (stream) => [
      stream,
      null,
      mode,
      "/dir/file",
    ]);
    cancelled.write("half of");
    cancelled.cancel();
    assert.equal((await read(gateway, "/dir/file")).stdout.toString(), "before");
    for (const path of ["/dir", "/dir/file/below"])
      await assert.rejects(write(gateway, path, before), /status 9/, path);
    await assert.rejects(write(gateway, "/large", before, 100_000_000), /status 8/);
    await assert.rejects(read(gateway, "/nothing"), /status 5/);
    await assert.rejects(read(gateway, "/dir"), /status 9/);
    const longest = `/${"x".repeat(63)}`;
    assert.equal((await write(gateway, longest, before)).status, Status.OK);
    assert.equal((await read(gateway, longest)).stdout.toString(), "before");
    await assert.rejects(write(gateway, `${longest}y`, before), /status 11/);
    const { fileRemove, fileRename } = commands;
    for (const [op, status, ...paths] of [
      [fileRemove.op, Status.NOT_FOUND, "/nothing"],
      [fileRemove.op, Status.NOT_FOUND, "/dir/file/below"],
      [fileRemove.op, Status.FAILED_PRECONDITION, "/dir"],
      [fileRemove.op, Status.OUT_OF_RANGE, `${longest}y`],
      [fileRename.op, Status.NOT_FOUND, "/nothing", "/other"],
      [fileRename.op, Status.FAILED_PRECONDITION, "/dir", "/other"],
      [fileRename.op, Status.FAILED_PRECONDITION, longest, "/dir"],
      [fileRename.op, Status.FAILED_PRECONDITION, longest, "/dir/file/below"],
      [fileRename.op, Status.OK, longest, longest],
    ] as const)
      assert.equal((await gateway.request(op, paths)).status, status, `${op} ${paths.join(" ")}`);
    assert.equal((await read(gateway, longest)).stdout.toString(), "before");
    assert.equal((await read(gateway, "/dir/file")).stdout.toString(), "before");
  });

  test(`${port}: without a free stream everything that takes one is refused, and nothing is lost by it`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    await write(gateway, "/file", Buffer.from("there"));
    const sleep = () => gateway.open(commands.exec.op, (stream) => [stream, 0, 0, ["sleep", "600"]]);
    const running: Awaited<ReturnType<typeof sleep>>[] = [];
    while (running.length < 9) {
      const next = await sleep().catch((error: Error) => error.message);
      if (typeof next === "string") {
        assert.match(next, /status 8/);
        break;
      }
      running.push(next);
    }
    assert.ok(running.length === (port === "posix" ? 8 : 2), `${running.length} streams`);
    const open = (op: number, ...args: CborValue[]) => gateway.open(op, (stream) => [stream, ...args]);
    await assert.rejects(open(commands.console.op), /status 8/);
    await assert.rejects(open(commands.dial.op, 7), /status 8/);
    await assert.rejects(open(commands.fileRead.op, 0, "/file"), /status 8/);
    await assert.rejects(open(commands.fileWrite.op, null, mode, "/file"), /status 14/);
    await assert.rejects(open(commands.peripheralInvoke.op, 0, 0, "relay0", ["get"]), /status 8/);
    // An interrupt ends each.
    for (const { stream } of running) {
      const signal = [stream, ExecControl.signal, 2];
      assert.equal((await gateway.request(commands.execControl.op, signal)).status, Status.OK);
    }
    await until("their ends", () => running.every(({ end }) => end?.exitCode === 130));
    assert.equal((await read(gateway, "/file")).stdout.toString(), "there");
  });

  test(`${port}: files, and the log of the boot before, outlive a reboot`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    await write(gateway, "/kept", pattern(5_000));
    await gateway.exec(["log", "said", "before"]);
    await until("the report", () => gateway.lines.includes("said before"));
    await gateway.request(commands.reboot.op);
    await until("the next boot", () => gateway.hellos.some(({ resetCause }) => resetCause === 3));
    assert.equal(gateway.hellos.at(-1)?.ring?.epoch, gateway.hellos[0]?.ring?.epoch);
    assert.ok((await read(gateway, "/kept")).stdout.equals(pattern(5_000)));
    await until("the line of the boot", () => gateway.lines.length === 3);
    const [first, , second] = gateway.lines as [string, string, string];
    assert.match(first, /^boot \d+: .*, reset: power on, /);
    assert.match(second, /^boot \d+: .*, reset: software, /);
    assert.deepEqual(await shell(gateway, "log"), [`${second}\n`, 0]);
    assert.deepEqual(await shell(gateway, "log", "-p"), [`${first}\nsaid before\n`, 0]);
    const { result } = await gateway.request(commands.logRead.op, [1]);
    assert.deepEqual([result[1], result[4]], [null, "said before"]);
    await gateway.exec(["log", "said", "after"]);
    assert.deepEqual(await shell(gateway, "log"), [`${second}\nsaid after\n`, 0]);
  });

  test(`${port}: a report that a panic cut off arrives after it, without an age`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    gateway.isDeaf = true;
    await gateway.exec(["log", "last words"]);
    await gateway.exec(["panic"], undefined, { timeoutMs: 500 }).catch(() => {});
    await until("the panic", () => gateway.hellos.some(({ resetCause }) => resetCause === 6));
    gateway.isDeaf = false;
    await until("the report", () => gateway.lines.includes("last words"));
    assert.equal(gateway.reports[gateway.lines.indexOf("last words")]?.ageMs, null);
  });

  test(`${port}: stats tell processor time, room for files and the tasks`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const { result } = await gateway.request(commands.stats.op, [0]);
    const [total, map, tasks] = result as [number, Map<number, unknown>, unknown[][]];
    assert.equal(tasks.length, total);
    assert.equal(tasks[0]?.[0], "main");
    const [seconds, ms] = map.get(1) as [number, number];
    assert.ok(seconds < 5 && ms < 1000, `${seconds}.${ms}`);
    assert.ok((map.get(5) as number) >= 65_536 && (map.get(5) as number) >= (map.get(6) as number));
    await write(gateway, "/one", pattern(100));
    const later = (await gateway.request(commands.stats.op, [0])).result[1] as Map<number, unknown>;
    assert.ok((later.get(6) as number) < (map.get(6) as number));
    assert.match(
      (await shell(gateway, "ps"))[0] as string,
      /^STATE\tCPU\tSTACK\tNAME\nrunning\t\d+\.\d{3}\t(\d+|-)\tmain\n/,
    );
    assert.match((await shell(gateway, "top"))[0] as string, /^up \d+ s, cpu \d+ %\nSTATE/);
    const twice = (await shell(gateway, "top", "-n", "2"))[0] as string;
    assert.equal(twice.match(/^up \d+ s/gm)?.length, 2, twice);
    assert.deepEqual(await shell(gateway, "top", "-n", "0"), ["top: usage: top [-b] [-n N]\n", 2]);
    assert.deepEqual(await shell(gateway, "free"), ["free: there is no heap\n", 1]);
    const past = (await gateway.request(commands.stats.op, [total])).result;
    assert.deepEqual([past[0], past[2]], [total, []]);
    assert.match((await shell(gateway, "df"))[0] as string, /^total \d+\nused \d+\nfree \d+\nfiles 1\n$/);
  });

  test(`${port}: port 7 echoes 20 kB, keeps the half that is open, and unknown ports are refused`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const bytes = pattern(20_000);
    const { stdout, status } = await gateway.transfer(commands.dial.op, (stream) => [stream, 7], bytes);
    assert.ok(stdout.equals(bytes));
    assert.equal(status, Status.OK);
    await assert.rejects(
      gateway.open(commands.dial.op, (stream) => [stream, 9]),
      /status 5/,
    );
    const one = await gateway.open(commands.dial.op, (stream) => [stream, 7]);
    const two = await gateway.open(commands.dial.op, (stream) => [stream, 7]);
    one.write("one");
    two.write("two");
    await until("both echoes", () => one.text === "one" && two.text === "two");
    one.cancel();
    two.endInput();
    await until("the end", () => two.end?.status === Status.OK);
    assert.equal(
      (await gateway.request(commands.execControl.op, [one.stream, ExecControl.signal, 2])).status,
      Status.NOT_FOUND,
    );
  });

  test(`${port}: a console runs lines, shows the log, and closes with its input`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const open = () => gateway.open(commands.console.op, (stream) => [stream]);
    const console = await open();
    console.write("echo one  two\nfrobnicate\r\nlog heard\n");
    await until("its output", () => console.text.includes("heard\n"));
    assert.equal(console.text, "one two\nfrobnicate: not found\nheard\n");
    console.write("uptime");
    console.endInput();
    await until("its end", () => console.end !== undefined);
    assert.match(console.text, /heard\nup \d+ s\n$/);
    assert.deepEqual([console.end?.status, console.end?.exitCode], [Status.OK, undefined]);
    const long = await open();
    long.write(`echo ${"x".repeat(123)}\necho ${"y".repeat(124)}\n`);
    long.endInput();
    await until("its end", () => long.end !== undefined);
    assert.equal(long.text, `${"x".repeat(123)}\n${"y".repeat(123)}\n`);
    const other = await open();
    other.write("exit\necho never\n");
    await until("its end", () => other.end !== undefined);
    assert.equal(other.text, "");
  });

  test(`${port}: a console with a size is a terminal: it prompts, echoes, edits and is interrupted`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const console = await gateway.open(commands.console.op, (stream) => [stream]);
    const control = (...args: number[]) =>
      gateway.request(commands.execControl.op, [console.stream, ...args]);
    assert.equal((await control(ExecControl.resize, 80, 24)).status, Status.OK);
    await until("a prompt", () => console.text === "> ");
    console.write("sizf\x7fe\r");
    await until("its size", () => console.text.endsWith("80 24\r\n> "));
    assert.equal(console.text, "> sizf\b \be\r\n80 24\r\n> ");
    console.write("typed\x15");
    await until("a line given up", () => console.text.endsWith("> typed\r\n> "));
    console.write("sleep 600\r\x03");
    await until("the interrupt", () => console.text.endsWith("^C\r\n> "));
    console.write("sleep 600\r");
    await until("the echo", () => console.text.endsWith("sleep 600\r\n"));
    await control(ExecControl.signal, 15);
    await until("the prompt again", () => console.text.endsWith("> "));
    console.write("cat\rline\r\x04\x04");
    await until("its end", () => console.end !== undefined);
    assert.match(console.text, /cat\r\nline\r\n> $/);
  });

  test(`${port}: what a console that is not read loses is told`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const console = await gateway.open(commands.console.op, (stream) => [stream]);
    console.room = 0;
    for (let i = 0; i < 80; i++) await gateway.exec(["log", `line ${i} ${"x".repeat(80)}`]);
    console.read();
    await until("the last line", () => console.text.includes("line 79"));
    assert.match(console.text, /^\[\d+ (lines|bytes) lost\]$/m);
  });

  test(`${port}: a terminal ends by 03 and 04, a signal ends anything, and sizes are kept`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const exec = (flags: number, ...argv: string[]) =>
      gateway.open(commands.exec.op, (stream) => [stream, 0, flags, argv]);
    const ended = async (what: Awaited<ReturnType<typeof exec>>) => {
      await until("the end", () => what.end !== undefined);
      return [what.text, what.end?.exitCode];
    };
    const tty = ExecFlag.stdin | ExecFlag.tty;
    const sleep = await exec(tty, "sleep", "600");
    sleep.write("ignored\x03");
    assert.deepEqual(await ended(sleep), ["", 130]);
    const cat = await exec(tty, "cat");
    cat.write("one\rtwo\r\x04");
    assert.deepEqual(await ended(cat), ["one\r\ntwo\r\n", 0]);
    const size = await exec(tty, "size", "-f");
    await gateway.request(commands.execControl.op, [size.stream, ExecControl.resize, 132]);
    await until("the columns", () => size.text.endsWith("132 0\r\n"));
    await gateway.request(commands.execControl.op, [size.stream, ExecControl.resize, 80, 24]);
    await until("the rows", () => size.text.endsWith("80 24\r\n"));
    await gateway.request(commands.execControl.op, [size.stream, ExecControl.signal, 15]);
    assert.equal((await ended(size))[1], 143);
  });

  test(`${port}: relay0 is switched and read, and says what it does not know`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const listed = await gateway.request(commands.peripheralList.op, [0]);
    assert.deepEqual((listed.result[1] as unknown[])[0], ["relay0", "relay"]);
    const total = listed.result[0] as number;
    for (const from of [1, total]) {
      const { result } = await gateway.request(commands.peripheralList.op, [from]);
      assert.deepEqual(result, [total, (listed.result[1] as CborValue[]).slice(from)]);
    }
    const invoke = async (...argv: string[]) => {
      const got = await gateway.transfer(commands.peripheralInvoke.op, (stream) => [
        stream,
        0,
        0,
        "relay0",
        argv,
      ]);
      return [got.stdout.toString(), got.exitCode];
    };
    assert.deepEqual(await invoke("get"), ["off\n", 0]);
    assert.deepEqual(await invoke("set", "on"), ["", 0]);
    assert.deepEqual(await invoke("get"), ["on\n", 0]);
    assert.deepEqual(await invoke("set", "up"), ["relay0: expected on or off\n", 1]);
    assert.deepEqual(await invoke("dim"), ["relay0: dim: not found\n", 127]);
    await assert.rejects(
      gateway.transfer(commands.peripheralInvoke.op, (stream) => [stream, 0, 0, "relay9", ["get"]]),
      /status 5/,
    );
  });

  test(`${port}: the shell's files, settings and usage read as its description says`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    await write(gateway, "/etc/motd", Buffer.from("hello\n"));
    await write(gateway, "/a", Buffer.from("A"));
    assert.deepEqual(await shell(gateway, "ls"), ["a\netc/\n", 0]);
    assert.deepEqual(await shell(gateway, "ls", "-l", "etc"), ["rw-r-----\t6\tmotd\n", 0]);
    assert.deepEqual(await shell(gateway, "ls", "/etc/motd"), ["motd\n", 0]);
    assert.deepEqual(await shell(gateway, "cat", "/etc/motd", "a"), ["hello\nA", 0]);
    assert.deepEqual(await shell(gateway, "cat", "/etc"), ["cat: /etc: is a directory\n", 1]);
    assert.deepEqual(await shell(gateway, "rm", "/a", "/b"), ["rm: /b: not found\n", 1]);
    assert.deepEqual(await shell(gateway, "rm"), ["rm: usage: rm [-Rfr] PATH…\n", 2]);
    assert.deepEqual(await shell(gateway, "set", "label", "in", "the", "shed"), ["", 0]);
    assert.deepEqual(await shell(gateway, "get", "label"), ["in the shed\n", 0]);
    assert.deepEqual(await shell(gateway, "get"), ["label=in the shed\nprompt=>\n", 0]);
    assert.deepEqual(await shell(gateway, "set", "prompt", "x".repeat(17)), [
      "set: prompt: expected at most 16 bytes\n",
      1,
    ]);
    assert.deepEqual(await shell(gateway, "get", "nothing"), ["get: nothing: not found\n", 1]);
    assert.deepEqual(await shell(gateway, "sleep", "86401"), ["sleep: usage: sleep N\n", 2]);
    assert.deepEqual(await shell(gateway, "sleep", "0"), ["", 0]);
    assert.deepEqual(await shell(gateway, "reboot"), ["", 0]);
    await until("the next boot", () => gateway.hellos.at(-1)?.resetCause === 3);
  });
}

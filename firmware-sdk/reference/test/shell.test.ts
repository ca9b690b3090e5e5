import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Status } from "@motelet/profiles";
import { type DeviceStats, FileStore, LogRing, Settings } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

const figures: DeviceStats = {
  cpuMs: 1_500,
  heapTotalBytes: 524_288,
  heapFreeBytes: 200_000,
  heapMinBytes: 150_000,
  filesTotalBytes: 1_000,
  filesFreeBytes: 900,
  tasks: [
    { name: "session", state: "blocked", cpuMs: 1_234.5, stackFreeBytes: null },
    { name: "ps", state: "running", cpuMs: 2, stackFreeBytes: 512 },
  ],
};

function deviceWith(
  files: Readonly<Record<string, string>> = {},
  storeLimits = { totalBytes: 200_000, files: 8 },
) {
  const store = new FileStore(storeLimits);
  for (const [path, text] of Object.entries(files)) {
    const write = store.write(path, null, 0o640);
    assert.ok(typeof write !== "number");
    assert.equal(write.take(Buffer.from(text)), Status.OK);
    assert.equal(write.commit(undefined), Status.OK);
  }
  const ring = new LogRing({ capacityBytes: 2_000, epoch: 1 });
  return new BenchSession({ files: store, settings: new Settings(), ring, stats: () => figures });
}

suite("the shell (SHELL.md)", () => {
  test("help lists every command with its usage and what it does", () => {
    const [text, code] = deviceWith().run("help");
    const lines = text.trimEnd().split("\n");
    assert.equal(code, 0);
    assert.equal(lines[0], "help             lists the commands");
    assert.ok(
      lines.every((line) => /^\S.{15,} [a-z]/.test(line)),
      text,
    );
    for (const name of "help echo ls cat rm df ps top free uptime log get set size sleep exit reboot".split(
      " ",
    ))
      assert.ok(
        lines.some((line) => line.split(" ")[0] === name),
        name,
      );
  });

  test("what is not a command exits 127 with a line on stderr, wrong usage exits 2", () => {
    const device = deviceWith();
    assert.deepEqual(device.run("frobnicate", "x"), ["frobnicate: not found\n", 127]);
    assert.deepEqual(device.run("constructor"), ["constructor: not found\n", 127]);
    assert.deepEqual(device.run("sleep", "x"), ["sleep: usage: sleep N\n", 2]);
    assert.deepEqual(device.run("sleep", "86401"), ["sleep: usage: sleep N\n", 2]);
    assert.deepEqual(device.run("top", "-n", "0"), ["top: usage: top [-b] [-n N]\n", 2]);
    assert.deepEqual(device.run("rm"), ["rm: usage: rm [-Rfr] PATH…\n", 2]);
    assert.deepEqual(device.run("set", "label"), ["set: usage: set NAME VALUE…\n", 2]);
  });

  test("ls, cat, rm and df show and change the files", () => {
    const device = deviceWith({ "/etc/motd": "hello\n", "/b": "12345", "/a": "x" });
    assert.deepEqual(device.run("ls"), ["a\nb\netc/\n", 0]);
    assert.deepEqual(device.run("ls", "-l", "/"), [
      "rw-r-----\t1\ta\nrw-r-----\t5\tb\nrwxr-xr-x\t0\tetc/\n",
      0,
    ]);
    assert.deepEqual(device.run("ls", "etc/"), ["motd\n", 0]);
    assert.deepEqual(device.run("ls", "/b"), ["b\n", 0]);
    assert.deepEqual(device.run("ls", "/c"), ["ls: /c: not found\n", 1]);
    assert.deepEqual(device.run("cat", "/etc/motd", "/b"), ["hello\n12345", 0]);
    assert.deepEqual(device.run("cat", "/b", "/c"), ["12345cat: /c: not found\n", 1]);
    assert.deepEqual(device.run("cat", "/etc"), ["cat: /etc: is a directory\n", 1]);
    assert.deepEqual(device.run("df"), ["total 200000\nused 12\nfree 199988\nfiles 3\n", 0]);
    assert.deepEqual(device.run("rm", "/etc"), ["rm: /etc: is a directory\n", 1]);
    assert.deepEqual(device.run("rm", "/etc/motd", "/zz"), ["rm: /zz: not found\n", 1]);
    assert.deepEqual(device.run("ls", "/etc"), ["ls: /etc: not found\n", 1]);
  });

  test("cat prints a file that is larger than any buffer", () => {
    const text = "0123456789".repeat(10_000);
    const device = deviceWith({ "/big": text });
    const [out, code] = device.run("cat", "/big");
    assert.equal(out.length, text.length);
    assert.deepEqual([out === text, code], [true, 0]);
  });

  test("ps, free, top and uptime print the device's figures", () => {
    const device = deviceWith();
    device.advance(3_000);
    const tasks = "STATE\tCPU\tSTACK\tNAME\nblocked\t1.234\t-\tsession\nrunning\t0.002\t512\tps\n";
    assert.deepEqual(device.run("ps"), [tasks.replace("1.234", (1.2345).toFixed(3)), 0]);
    assert.deepEqual(device.run("free"), ["total 524288\nfree 200000\nleast 150000\n", 0]);
    assert.deepEqual(device.run("uptime"), ["up 3 s\n", 0]);
    const [text, code] = device.run("top");
    assert.equal(text.split("\n")[0], "up 3 s, cpu 50 %, heap 200000 of 524288 free");
    assert.equal(code, 0);
  });

  test("top -n 3 looks three times, a second apart, and tells the use since the time before", () => {
    const device = deviceWith();
    device.advance(3_000);
    const stream = device.exec(["top", "-n", "3"]);
    const heads = () => stream.text.split("\n").filter((line) => line.startsWith("up "));
    assert.equal(heads().length, 1);
    device.advance(999);
    assert.equal(heads().length, 1);
    device.advance(1);
    assert.equal(heads()[1], "up 4 s, cpu 0 %, heap 200000 of 524288 free");
    assert.equal(stream.ended, false);
    device.advance(1_000);
    assert.equal(heads().length, 3);
    assert.equal(stream.end?.exitCode, 0);
  });

  test("get and set know the settings, and refuse what they do not take", () => {
    const device = deviceWith();
    assert.deepEqual(device.run("get"), ["log-level=debug\nprompt=>\nlabel=\ntemperature-offset=0\n", 0]);
    assert.deepEqual(device.run("set", "label", "second", "floor"), ["", 0]);
    assert.deepEqual(device.run("get", "label"), ["second floor\n", 0]);
    assert.deepEqual(device.run("set", "volume", "1"), ["set: volume: not found\n", 1]);
    assert.deepEqual(device.run("get", "volume"), ["get: volume: not found\n", 1]);
    assert.deepEqual(device.run("set", "label", "x".repeat(32)), ["", 0]);
    assert.deepEqual(device.run("set", "label", "x".repeat(33)), [
      "set: label: expected at most 32 bytes\n",
      1,
    ]);
    assert.deepEqual(device.run("set", "temperature-offset", "-50"), ["", 0]);
    const refused = "set: temperature-offset: expected -50 to 50\n";
    for (const value of ["51", "-51", "1.5", "1e1", ""])
      assert.deepEqual(device.run("set", "temperature-offset", value), [refused, 1]);
    assert.deepEqual(device.run("set", "log-level", "loud"), [
      "set: log-level: expected debug, info, warn or error\n",
      1,
    ]);
  });

  test("log records a line, shows those of this boot, and with -p those before", () => {
    const device = deviceWith();
    assert.deepEqual(device.run("log", "one", "line"), ["", 0]);
    assert.deepEqual(device.reports.at(-1)?.body, { type: "text", level: 1, text: "one line" });
    assert.deepEqual(device.run("log"), ["one line\n", 0]);
    assert.deepEqual(device.run("log", "-p"), ["", 0]);
  });

  test("lines below log-level are not recorded", () => {
    const device = deviceWith();
    device.run("set", "log-level", "warn");
    device.run("log", "quiet");
    assert.equal(device.reports.length, 0);
    device.run("set", "log-level", "info");
    device.run("log", "loud");
    assert.equal(device.reports.length, 1);
  });

  test("sleep ends after its time, or by a signal with 128 + n", () => {
    const device = deviceWith();
    const slept = device.exec(["sleep", "2"]);
    device.advance(1_999);
    assert.equal(slept.ended, false);
    device.advance(1);
    assert.equal(slept.end?.exitCode, 0);
    const killed = device.exec(["sleep", "2"]);
    assert.equal(device.signal(1, 15), Status.OK);
    assert.equal(killed.end?.exitCode, 143);
    assert.equal(device.signal(1, 15), Status.NOT_FOUND);
  });

  test("an interrupt by exec-control ends each command that runs, with 130", () => {
    const device = deviceWith();
    for (const argv of [["cat"], ["sleep", "60"], ["top", "-n", "9"], ["size", "-f"]]) {
      const stream = device.exec(argv, { stdin: true });
      assert.equal(stream.ended, false, argv[0]);
      assert.equal(device.signal(1, 2), Status.OK);
      assert.equal(stream.end?.exitCode, 130, argv[0]);
    }
  });

  test("reboot and exit end first", () => {
    const device = deviceWith();
    assert.deepEqual(device.run("exit", "255"), ["", 255]);
    for (const odd of ["x", "-", "", "2147483648"])
      assert.deepEqual(device.run("exit", odd), ["exit: usage: exit [CODE]\n", 2], odd);
    assert.deepEqual(device.run("reboot"), ["", 0]);
    assert.equal(device.reboots, 1);
  });
});

test("an exit code that one byte does not hold is 255, with the number on stderr", () => {
  const device = deviceWith();
  for (const code of ["256", "257", "512", "65536", "2147483647"])
    assert.deepEqual(device.run("exit", code), [`exit: exit code ${code}: expected 0 to 255\n`, 255]);
});

suite("a terminal", () => {
  test("Ctrl-C ends the command with 130, whether it reads or not", () => {
    const device = deviceWith();
    for (const argv of [["cat"], ["sleep", "60"], ["top"], ["size", "-f"]]) {
      const stream = device.exec(argv, { tty: true, stdin: true });
      device.write(1, "abc");
      assert.equal(stream.ended, false, argv[0]);
      device.write(1, "\u0003more");
      assert.equal(stream.end?.exitCode, 130, argv[0]);
    }
  });

  test("Ctrl-D ends the input at the beginning of a line only", () => {
    const device = deviceWith();
    const stream = device.exec(["cat"], { tty: true, stdin: true });
    device.write(1, "ab\u0004c\r");
    assert.equal(stream.ended, false);
    assert.equal(stream.text, "abc\r\n");
    device.write(1, "\u0004");
    assert.equal(stream.end?.exitCode, 0);
  });

  test("without one, control characters are bytes like any others", () => {
    const device = deviceWith();
    const stream = device.exec(["cat"], { stdin: true });
    device.write(1, "\u0003\u0004\r\n");
    device.endInput(1);
    assert.deepEqual([stream.text, stream.end?.exitCode], ["\u0003\u0004\r\n", 0]);
  });

  test("its size follows resize", () => {
    const device = deviceWith();
    assert.deepEqual(device.run("size"), ["0 0\n", 0]);
    const stream = device.exec(["size", "-f"], { tty: true, stdin: true });
    assert.equal(device.resize(1, 80, 24), Status.OK);
    assert.equal(device.resize(1, 132, 43), Status.OK);
    assert.equal(stream.text, "0 0\r\n80 24\r\n132 43\r\n");
  });

  test("top goes on until Ctrl-C", () => {
    const device = deviceWith();
    const stream = device.exec(["top"], { tty: true, stdin: true });
    device.advance(5_000);
    assert.equal(stream.text.split("\u001b[H\u001b[J").length, 6);
    device.write(1, "\u0003");
    assert.equal(stream.end?.exitCode, 130);
  });
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { LogRing, Settings } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

function deviceWith(settings = {}) {
  const parts = { settings: new Settings(), ring: new LogRing({ capacityBytes: 2_000, epoch: 1 }) };
  const device = new BenchSession(parts, settings);
  const open = (stream = 1) => {
    const { status } = device.request(commands.console, { stream });
    assert.equal(status, Status.OK);
    return device.stream(stream);
  };
  return { device, open };
}

suite("a console on a stream (SPEC §6.5)", () => {
  test("runs each line as a command, and shows output only", () => {
    const { device, open } = deviceWith();
    const console = open();
    device.write(1, "echo a\r\necho b\n\nfrobnicate\rec");
    device.write(1, "ho c\n");
    assert.equal(console.text, "a\nb\nfrobnicate: not found\nc\n");
    assert.equal(console.ended, false);
  });

  test("shows the lines of the log and what the device prints, on every console that is open", () => {
    const { device, open } = deviceWith();
    const [one, two] = [open(1), open(2)];
    device.session.log("from the log", device.nowMs);
    device.session.print("printed\n", device.nowMs);
    device.write(1, "log typed\n");
    device.poll();
    assert.equal(one.text, "from the log\nprinted\ntyped\n");
    assert.equal(two.text, one.text);
    device.write(1, "echo mine\n");
    assert.equal(two.text, "from the log\nprinted\ntyped\n");
  });

  test("ends with OK once what was typed has been carried out", () => {
    const { device, open } = deviceWith();
    const console = open();
    device.write(1, "sleep 5\necho done\n");
    device.endInput(1);
    device.advance(4_999);
    assert.equal(console.ended, false);
    device.advance(1);
    assert.deepEqual([console.text, console.end], ["done\n", { status: Status.OK }]);
    assert.equal(device.session.openStreams, 0);
  });

  test("is closed by exit, and at once by a credit with a status", () => {
    const { device, open } = deviceWith();
    const console = open(1);
    device.write(1, "exit -x\nexit y\n");
    const usage = "exit: usage: exit [CODE]\n";
    assert.equal(console.text, `exit: -x: unknown option\n${usage}${usage}`);
    assert.equal(console.end, undefined);
    device.write(1, "exit 3\n");
    assert.deepEqual(console.end, { status: Status.OK });
    open(2);
    device.write(2, "sleep 100\n");
    assert.equal(device.session.jobs.size, 1);
    device.cancel(2);
    assert.deepEqual([device.session.openStreams, device.session.jobs.size], [0, 0]);
  });

  test("a stream that is taken, or none that is free, is RESOURCE_EXHAUSTED", () => {
    const { device, open } = deviceWith({ streams: 2 });
    open(1);
    assert.equal(device.request(commands.console, { stream: 1 }).status, Status.RESOURCE_EXHAUSTED);
    open(2);
    assert.equal(device.request(commands.console, { stream: 3 }).status, Status.RESOURCE_EXHAUSTED);
  });

  test("a signal goes to the command that runs, and changes nothing where none does", () => {
    const { device, open } = deviceWith();
    const console = open();
    assert.equal(device.signal(1, 2), Status.OK);
    device.write(1, "sleep 100\necho next\n");
    assert.equal(device.signal(1, 15), Status.OK);
    assert.equal(console.text, "next\n");
    device.write(1, "sleep 100\n");
    device.write(1, "\u0003echo after\n");
    assert.equal(console.text, "next\nafter\n");
  });

  test("a line keeps 128 bytes", () => {
    const { device, open } = deviceWith();
    const console = open();
    device.write(1, `echo ${"x".repeat(123)}\n`);
    device.write(1, `echo ${"y".repeat(124)}\n`);
    assert.equal(console.text, `${"x".repeat(123)}\n${"y".repeat(123)}\n`);
  });

  test("takes 1,024 bytes ahead of a command that runs, and lets the rest wait", () => {
    const { device, open } = deviceWith();
    const console = open();
    device.write(1, "sleep 1\n");
    device.write(1, "echo 45678\n".repeat(200));
    device.advance(500);
    assert.equal(console.text, "");
    device.advance(10_000);
    assert.equal(console.text, "45678\n".repeat(200));
  });
});

suite("a console that is not read", () => {
  const line = (index: number) => `line ${String(index).padStart(4, "0")}\n`;

  test("keeps its newest 4,096 bytes, and says how many it lost", () => {
    const { device, open } = deviceWith({ streamBufferBytes: 1_000 });
    const console = open();
    console.room = 0;
    for (let index = 0; index < 5_000; index++) device.session.print(line(index), device.nowMs);
    device.poll();
    device.read(1);
    device.advance(10_000);
    // 5,000 lines of 10 bytes: 1,000 in the stream's buffer, 4,096 in the backlog.
    const [before, after] = console.text.split("[44904 bytes lost]\n");
    assert.equal(before, Array.from({ length: 100 }, (_, index) => line(index)).join(""));
    assert.equal(after?.length, 4_096);
    assert.ok(after?.endsWith(line(4_999)));
  });

  test("loses nothing up to that", () => {
    const { device, open } = deviceWith({ streamBufferBytes: 1_000 });
    const console = open();
    console.room = 0;
    const text = "x".repeat(5_096);
    device.session.print(text, device.nowMs);
    device.read(1);
    device.advance(10_000);
    assert.equal(console.text, text);
  });

  test("holds its own command's output up, not lost", () => {
    const { device, open } = deviceWith({ streamBufferBytes: 1_000 });
    const console = open();
    console.room = 0;
    device.write(1, "help\nhelp\nhelp\n");
    device.read(1);
    device.advance(10_000);
    const [first = ""] = console.text.split("help  ").slice(1);
    assert.equal(console.text, `help  ${first}`.repeat(3));
  });
});

suite("a console that is a terminal", () => {
  const terminal = () => {
    const { device, open } = deviceWith();
    const console = open();
    assert.equal(device.resize(1, 80, 24), Status.OK);
    const type = (text: string) => {
      const before = console.text.length;
      device.write(1, text);
      return console.text.slice(before);
    };
    return { device, console, type };
  };

  test("prompts, echoes, and ends lines with carriage returns", () => {
    const { console, type } = terminal();
    assert.equal(console.text, "> ");
    assert.equal(type("echo hi\r"), "echo hi\r\nhi\r\n> ");
    assert.equal(type("\r"), "\r\n> ");
    assert.equal(type("size\r\n"), "size\r\n80 24\r\n> ");
  });

  test("its prompt is a setting", () => {
    const { type } = terminal();
    assert.equal(type("set prompt lamp$\r"), "set prompt lamp$\r\nlamp$ ");
  });

  test("takes back characters, of several bytes too, and whole lines", () => {
    const { type } = terminal();
    assert.equal(type("echo ab\u007f\u0008c\r"), "echo ab\b \b\b \bc\r\nc\r\n> ");
    assert.equal(type("echo ü\u007fu\r").endsWith("u\r\nu\r\n> "), true);
    assert.equal(type("abc\u0015"), "abc\b \b\b \b\b \b");
    assert.equal(type("\u007f"), "");
  });

  test("Ctrl-C ends the command or the line", () => {
    const { device, type } = terminal();
    assert.equal(type("abc\u0003"), "abc^C\r\n> ");
    assert.equal(type("sleep 100\r"), "sleep 100\r\n");
    assert.equal(type("\u0003"), "^C\r\n> ");
    assert.equal(device.session.jobs.size, 0);
  });

  test("gives a command its input, which Ctrl-D ends; at a prompt it closes the console", () => {
    const { console, type } = terminal();
    assert.equal(type("cat\rab\r"), "cat\r\nab\r\n");
    assert.equal(type("\u0004"), "> ");
    assert.equal(type("x\u0004\u007f"), "x\b \b");
    assert.equal(type("\u0004"), "");
    assert.deepEqual(console.end, { status: Status.OK });
  });
});

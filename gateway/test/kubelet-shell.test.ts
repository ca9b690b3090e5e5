import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../src/foundation/clock.ts";
import { maxCommandBytes, maxShellDepth } from "../src/programs/sh/script-runner.ts";
import { shellExec } from "../src/programs/sh/shell-exec.ts";
import { FakeFiles } from "./fakes/fake-files.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

/** A shell as kubectl, k9s and ansible call it, over a device whose commands are those of FakeExec. */
const deadline = { timeout: 60_000 };

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the reason of a failure of another kind. */
  readonly exit: number | string;
}

class Shelled implements AsyncDisposable {
  readonly kubelet: KubeletUnderTest;
  readonly files = new FakeFiles();

  private constructor(capabilities: readonly string[]) {
    const { files } = this;
    this.kubelet = new KubeletUnderTest({
      exec: { start: (...args) => shell.start(...args) },
    });
    const { exec, attach, registry, metrics } = this.kubelet;
    registry.learn("default/lamp", { capabilities });
    const shell = shellExec({ exec, attach, files, registry, clock: systemClock, metrics });
  }

  static async start(capabilities: readonly string[] = ["exec", "console", "files"]): Promise<Shelled> {
    const shelled = new Shelled(capabilities);
    await shelled.kubelet.start();
    return shelled;
  }

  async run(argv: readonly string[], input?: string): Promise<Result> {
    const flags = input === undefined ? "output=1&error=1" : "input=1&output=1&error=1";
    const { client } = await this.kubelet.execUpgrade(argv, flags);
    assert.ok(client);
    const ids: Record<string, number> = {};
    for (const type of ["error", ...(input === undefined ? [] : ["stdin"]), "stdout", "stderr"])
      ids[type] = await client.open(type);
    if (input !== undefined) {
      const bytes = Buffer.from(input);
      for (let at = 0; at < bytes.length; at += 32_768)
        await client.send(ids.stdin!, bytes.subarray(at, at + 32_768));
      await client.send(ids.stdin!, new Uint8Array(0), true);
    }
    const [stdout, stderr, error] = await Promise.all([
      client.read(ids.stdout!),
      client.read(ids.stderr!),
      client.read(ids.error!),
    ]);
    client.close();
    await client.closed;
    const status = JSON.parse(error.toString());
    const code = status.details?.causes?.[0]?.message;
    const exit = status.status === "Success" ? 0 : code === undefined ? status.message : Number(code);
    return { stdout: stdout.toString(), stderr: stderr.toString(), exit };
  }

  script = (script: string, input?: string) => this.run(["sh", "-c", script], input);

  /** What ran on the device. */
  get commands(): readonly string[] {
    return this.kubelet.exec.started.map(({ request }) => request.argv.join(" "));
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const endMs = Date.now() + 30_000;
    while (!condition()) {
      assert.ok(Date.now() < endMs, `waited 30 s: ${what}`);
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kubelet[Symbol.asyncDispose]();
  }
}

test(
  "scripts run as in a shell: lists, codes, groups, and both outputs where they were led",
  deadline,
  async () => {
    await using shelled = await Shelled.start();
    const rows: readonly (readonly [string, Partial<Result>])[] = [
      ["echo x", { stdout: "x\n", stderr: "", exit: 0 }],
      ["echo -n x; echo  'a  b' c", { stdout: "xa  b c\n" }],
      ["", { stdout: "", stderr: "", exit: 0 }],
      ["true && echo yes || echo no", { stdout: "yes\n" }],
      ["false && echo yes || echo no", { stdout: "no\n" }],
      ["false || false || echo third", { stdout: "third\n" }],
      ["warn", { stdout: "to stdout\n", stderr: "to stderr\n", exit: 3 }],
      ["warn && echo yes; echo next", { stdout: "to stdout\nnext\n", exit: 0 }],
      ["! warn >/dev/null 2>&1 && echo failed", { stdout: "failed\n", stderr: "", exit: 0 }],
      ["warn 2>/dev/null", { stdout: "to stdout\n", stderr: "", exit: 3 }],
      ["warn >/dev/null", { stdout: "", stderr: "to stderr\n", exit: 3 }],
      ["warn >&2", { stdout: "", stderr: "to stdout\nto stderr\n" }],
      ["warn 2>&1 >/dev/null", { stdout: "to stderr\n", stderr: "" }],
      ["(echo a; exit 4); echo b", { stdout: "a\nb\n", exit: 0 }],
      ["{ echo a; exit 4; }; echo b", { stdout: "a\n", exit: 4 }],
      ["exit 7; echo never", { stdout: "", exit: 7 }],
      ["exit 256", { exit: 0 }],
      ["exit x", { exit: 2, stderr: "sh: exit: expected a number, got x\n" }],
      ["exec echo a; echo never", { stdout: "a\n", exit: 0 }],
      ["set -e; false; echo never", { stdout: "", exit: 1 }],
      ["set -e; false || echo a; ! true; (exit 5); echo never", { stdout: "a\n", exit: 5 }],
      ["TERM=xterm; export TERM; A=b echo a", { stdout: "a\n" }],
      [
        "cd / && pwd; cd /tmp",
        { stdout: "/\n", stderr: /cd: \/tmp: a device has no directory/ as never, exit: 1 },
      ],
      ["sleep 0 && echo awake", { stdout: "awake\n" }],
      ["sleep x", { exit: 2 }],
      ["sh -c 'echo a; exit 3'; echo b", { stdout: "a\nb\n" }],
      ["/bin/sh -c 'echo hi && sleep 0'", { stdout: "hi\n", exit: 0 }],
      ["command -v bash >/dev/null && echo bash || echo sh", { stdout: "bash\n" }],
      ["command -v sh zsh cat; which /bin/bash", { stdout: "sh\ncat\n/bin/bash\n", exit: 0 }],
      ["command -v zsh", { stdout: "", exit: 1 }],
      ["command echo a", { stdout: "a\n" }],
      ["test -x /bin/bash && [ -x /bin/sh ] && echo shells", { stdout: "shells\n" }],
      ["test -x /bin/zsh", { exit: 1 }],
      [
        "[ -x /run.sh ] && [ ! -x /a ] && [ -f /a ] && [ -d / ] && [ -s /a ] && echo files",
        { stdout: "files\n" },
      ],
      ["[ -e /b ]", { exit: 1 }],
      [
        "[ a = a ] && [ 2 -gt 1 ] && [ -n a ] && [ -z '' ] && [ ! a != a ] && test a && ! test '' && echo all",
        { stdout: "all\n" },
      ],
      ["[ -t 0 ]", { exit: 1 }],
      ["[ a", { exit: 2, stderr: "sh: [: ] is missing\n" }],
      ["test -L /a", { exit: 2, stderr: "sh: test: -L is not supported\n" }],
      ["nonsense; echo next", { stdout: "next\n", stderr: 'sh: nonsense: no command "nonsense"\n' }],
      ["nonsense", { exit: 126 }],
    ];
    shelled.files.put("/a", "x");
    shelled.files.put("/run.sh", "x", 0o755);
    for (const [script, expected] of rows) {
      const result = await shelled.script(script);
      for (const [name, value] of Object.entries(expected)) {
        const got = result[name as keyof Result];
        const where = `${name} of ${script}: ${JSON.stringify(result)}`;
        if ((value as unknown) instanceof RegExp) assert.match(String(got), value as never, where);
        else assert.equal(got, value, where);
      }
    }
    await shelled.until("every session is left", () => shelled.kubelet.exec.open === 0);
    const { metrics } = shelled.kubelet;
    assert.equal(await metrics.valueOf("motelet_shells_open"), 0);
    assert.ok(
      ((await metrics.valueOf("motelet_shells_total", { kind: "script", outcome: "done" })) ?? 0) > 20,
    );
  },
);

test(
  "what is not supported is said before anything runs, ends with 2, and is counted",
  deadline,
  async () => {
    await using shelled = await Shelled.start();
    const rows = [
      [["sh", "-c", "warn; cat /a | count"], "sh: line 1: pipes (|) are not supported\n"],
      [["sh", "-c", "warn\necho $HOME"], "sh: line 2: variables ($HOME) are not supported\n"],
      [["bash", "-c", "warn; (sh -c"], "sh: line 1: syntax error: ) is missing\n"],
      [["bash", "-x", "-c", "warn"], "sh: option -x is not supported\n"],
      [
        ["sh", "/run.sh"],
        "sh: files of commands (/run.sh) are not supported: give the commands with -c or on stdin\n",
      ],
      [["sh", "-c", "exec >/dev/null"], "sh: exec without a command is not supported\n"],
      [["sh", "-c", "command -p warn"], "sh: command -p is not supported: only command -v is\n"],
    ] as const;
    for (const [argv, stderr] of rows)
      assert.deepEqual(await shelled.run(argv), { stdout: "", stderr, exit: 2 });
    assert.deepEqual(shelled.commands, []);
    const { metrics } = shelled.kubelet;
    assert.equal(await metrics.valueOf("motelet_shells_total", { kind: "script", outcome: "refused" }), 5);
    assert.equal(await metrics.valueOf("motelet_shells_total", { kind: "input", outcome: "refused" }), 2);
  },
);

test(`shells go ${maxShellDepth} deep, and no deeper`, deadline, async () => {
  await using shelled = await Shelled.start();
  const nested = (depth: number): string =>
    depth === 1 ? "echo deep" : `sh -c '${nested(depth - 1).replaceAll("'", "'\\''")}'`;
  assert.equal((await shelled.script(nested(maxShellDepth))).stdout, "deep\n");
  const { stderr, exit } = await shelled.script(nested(maxShellDepth + 1));
  assert.deepEqual([stderr, exit], [`sh: shells are nested deeper than ${maxShellDepth}\n`, 2]);
});

test("stdin goes to the last command that could read it, and 300 kB pass", deadline, async () => {
  await using shelled = await Shelled.start();
  const large = "x".repeat(300_000);
  assert.equal((await shelled.script("echo a && count", large)).stdout, "a\n300000\n");
  assert.equal((await shelled.script("cat && echo end", "piped ")).stdout, "piped end\n");
  assert.equal((await shelled.script("cat; count", "four")).stdout, "4\n");
  assert.equal((await shelled.script("cat </dev/null; echo end", "four")).stdout, "end\n");
  assert.equal((await shelled.run(["cat"], "no shell")).stdout, "no shell");
});

test("commands on stdin run one by one, each as soon as it is whole", deadline, async () => {
  await using shelled = await Shelled.start();
  const rows = [
    ["echo a\necho b", "a\nb\n", "", 0],
    ["echo 'a\nb'\nfalse &&\necho c\nexit 5\necho never\n", "a\nb\n", "", 5],
    ["warn 2>/dev/null\r\ncat\r\n", "to stdout\n", "", 0],
    ["echo a\necho b | cat\necho never\n", "a\n", "sh: line 2: pipes (|) are not supported\n", 2],
    ["echo 'a\n\n\nb'; echo $X", "", "sh: line 4: variables ($X) are not supported\n", 2],
    ["echo a\necho 'b\n", "a\n", "sh: line 2: syntax error: unterminated quoted string\n", 2],
    ["", "", "", 0],
    ["é\n", "", 'sh: é: no command "é"\n', 126],
  ] as const;
  for (const [input, stdout, stderr, exit] of rows)
    assert.deepEqual(await shelled.run(["bash", "-l"], input), { stdout, stderr, exit }, input);
  assert.deepEqual(await shelled.run(["sh"]), { stdout: "", stderr: "", exit: 0 });
});

test("a command on stdin may fill its limit, and one byte more is refused", deadline, async () => {
  await using shelled = await Shelled.start();
  // Until its quote is closed a command is kept, with the end of its line.
  const max = maxCommandBytes - "echo '\n".length;
  const fits = await shelled.run(["sh"], `echo '${"x".repeat(max)}\n'\n`);
  assert.deepEqual([fits.exit, fits.stdout.length], [0, max + 2]);
  for (const text of [`echo '${"x".repeat(max + 1)}\n`, `echo ${"x".repeat(maxCommandBytes)}`]) {
    const { stderr, exit } = await shelled.run(["sh"], text);
    assert.deepEqual([stderr, exit], [`sh: line 1: a command is longer than ${maxCommandBytes} bytes\n`, 2]);
  }
});

test("on a terminal every way that tools open a shell is the device's console", deadline, async () => {
  const calls: readonly (readonly string[])[] = [
    ["sh"],
    ["/bin/bash"],
    ["bash", "-il"],
    ["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"],
    ["sh", "-c", "clear; (bash || ash || sh)"],
    ["/bin/sh", "-c", "TERM=xterm; export TERM; [ -x /bin/bash ] && exec /bin/bash || exec /bin/sh"],
  ];
  await using shelled = await Shelled.start();
  const { kubelet } = shelled;
  for (const [index, argv] of calls.entries()) {
    const { client } = await kubelet.execUpgrade(argv, "input=1&output=1&tty=1");
    assert.ok(client);
    const ids: Record<string, number> = {};
    for (const type of ["error", "stdin", "stdout", "resize"]) ids[type] = await client.open(type);
    await client.send(ids.stdin!, Buffer.from("typed"));
    await shelled.until("the console answers", () => client.received(ids.stdout!) >= "console\nTYPED".length);
    await client.send(ids.stdin!, Buffer.from("quit"));
    const [stdout, error] = await Promise.all([client.read(ids.stdout!), client.read(ids.error!)]);
    assert.match(stdout.toString(), /console\nTYPED$/, argv.join(" "));
    assert.equal(JSON.parse(error.toString()).status, "Success");
    assert.equal(kubelet.attach.requests.length, index + 1);
    assert.deepEqual(kubelet.attach.requests.at(-1), { stdin: true, stdout: true, tty: true });
    // A console is a terminal from the first size on, so that a client which tells none must not be left without.
    assert.deepEqual(kubelet.attach.sizes.splice(0), ["80x24"]);
    client.close();
    await client.closed;
  }
  await shelled.until("every console is left", () => kubelet.attach.open === 0);
});

test("a terminal's size reaches the command that runs, and so does each change", deadline, async () => {
  await using shelled = await Shelled.start();
  const { client } = await shelled.kubelet.execUpgrade(["sh", "-c", "echo; size"], "input=1&output=1&tty=1");
  assert.ok(client);
  const ids: Record<string, number> = {};
  for (const type of ["error", "stdin", "stdout", "resize"]) ids[type] = await client.open(type);
  await client.send(ids.resize!, Buffer.from('{"Width":101,"Height":37}\n'));
  await shelled.until("size runs", () => shelled.commands.includes("size"));
  await client.send(ids.resize!, Buffer.from('{"Width":80,"Height":24}\n'));
  assert.equal((await client.read(ids.stdout!)).toString(), "\r\n101x37 80x24 ");
  client.close();
});

test("a device without a console, or without a shell at all, says so", deadline, async () => {
  await using withoutConsole = await Shelled.start(["exec"]);
  const { client } = await withoutConsole.kubelet.execUpgrade(["sh"], "input=1&output=1&tty=1");
  assert.ok(client);
  const ids: Record<string, number> = {};
  for (const type of ["error", "stdin", "stdout", "resize"]) ids[type] = await client.open(type);
  assert.equal(
    (await client.read(ids.stdout!)).toString(),
    "sh: device default/lamp has no shell for a terminal: its firmware lacks the capability console\r\n",
  );
  client.close();
  assert.equal((await withoutConsole.script("[ -e /a ] || echo x")).stdout, "x\n");
  await using withoutShell = await Shelled.start(["dial"]);
  const left = await withoutShell.kubelet.execUpgrade(["sh", "-c", "echo x"], "output=1&error=1");
  assert.ok(left.client);
  const error = await left.client.open("error");
  for (const type of ["stdout", "stderr"]) await left.client.open(type);
  assert.match((await left.client.read(error)).toString(), /no command/);
  assert.deepEqual(withoutShell.commands, ["sh -c echo x"], "left to the device");
  left.client.close();
});

test(
  "a device that is lost ends the script with its reason, and nothing after it runs",
  deadline,
  async () => {
    await using shelled = await Shelled.start();
    const running = shelled.script("(hang || echo a); echo never");
    await shelled.until("hang runs", () => shelled.kubelet.exec.open === 1);
    shelled.kubelet.exec.lose("device default/lamp went offline");
    const { stdout, exit } = await running;
    assert.deepEqual([stdout, exit], ["hanging\n", "UNAVAILABLE: device default/lamp went offline"]);
  },
);

test("a client that leaves takes what its script runs with it", deadline, async () => {
  await using shelled = await Shelled.start();
  const { kubelet } = shelled;
  for (const script of ["hang; echo never", "sleep 80000"]) {
    const { client } = await kubelet.execUpgrade(["sh", "-c", script], "output=1&error=1");
    assert.ok(client);
    for (const type of ["error", "stdout", "stderr"]) await client.open(type);
    await shelled.until("it runs", () => script.startsWith("sleep") || kubelet.exec.open === 1);
    client.close();
    await shelled.until("nothing runs", () => kubelet.exec.open === 0);
  }
  const endMs = Date.now() + 30_000;
  while ((await kubelet.metrics.valueOf("motelet_shells_open")) !== 0) {
    assert.ok(Date.now() < endMs, "a shell is still open");
    await sleep(5);
  }
  assert.ok(!shelled.commands.includes("echo never"));
});

test("what must not be mixed is asked for apart", deadline, async () => {
  await using shelled = await Shelled.start();
  const rows = [
    ["warn", true, undefined],
    ["warn 2>/dev/null", true, true],
    ["warn >/dev/null", true, true],
    ["warn 2>&1", false, undefined],
    ["warn >/dev/null 2>&1", false, undefined],
  ] as const;
  for (const [script, stderr, apart] of rows) {
    await shelled.script(script);
    const { request } = shelled.kubelet.exec.started.at(-1) ?? {};
    assert.deepEqual([request?.stderr, request?.apart], [stderr, apart], script);
  }
});

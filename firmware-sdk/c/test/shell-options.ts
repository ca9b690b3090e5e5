import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import type { RunningDevice } from "./device-suite.ts";

interface BuiltInCases {
  readonly name: string;
  readonly usage: string;
  readonly options: string | null;
  readonly calls: readonly {
    readonly argv: readonly string[];
    readonly prints?: string;
    readonly matches?: string;
    readonly code: number;
  }[];
}

const cases: {
  readonly files: Readonly<Record<string, string>>;
  readonly builtIns: readonly BuiltInCases[];
} = JSON.parse(await readFile(new URL("../../reference/shell-options.json", import.meta.url), "utf8"));
/** Additional programs of the ports' device (port/demo_device.c). */
const own: readonly BuiltInCases[] = ["panic", "stack"].map((name) => ({
  name,
  usage: name,
  options: "",
  calls: [{ argv: [name, "now"], prints: `${name}: usage: ${name}\n`, code: 2 }],
}));
/** Every printable ASCII character. */
const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (each) => each !== "-",
);

/** What every built-in does with options, as in the reference runtime; `refused` of those that it does not take are tried. */
export function testShellOptions(port: string, start: () => Promise<RunningDevice>, refused: number): void {
  test(`${port}: every built-in takes its options, and refuses every other by name with its usage`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const run = async (...argv: string[]) => {
      const { stdout, exitCode } = await gateway.exec(argv);
      return [stdout.toString(), exitCode];
    };
    const [help] = await run("help");
    const builtIns = [...cases.builtIns, ...own];
    const told = (help as string).trimEnd().split("\n");
    assert.equal(told.length, builtIns.length);
    for (const [i, { usage }] of builtIns.entries()) assert.ok(told[i]?.startsWith(`${usage} `), told[i]);
    for (const { name, usage, options, calls } of builtIns) {
      for (const [path, text] of Object.entries(cases.files)) {
        const { op } = commands.fileWrite;
        const bytes = Buffer.from(text);
        const write = await gateway.transfer(op, (stream) => [stream, bytes.length, 0o640, path], bytes);
        assert.equal(write.status, Status.OK);
      }
      for (const { argv, prints, matches, code } of calls) {
        const [text, exitCode] = await run(...argv);
        if (prints === undefined) assert.match(text as string, new RegExp(matches as string));
        else assert.equal(text, prints, argv.join(" "));
        assert.equal(exitCode, code, argv.join(" "));
      }
      if (options === null) continue;
      const words = letters.filter((letter) => !options.includes(letter)).map((letter) => `-${letter}`);
      for (const word of ["--help", "--version", ...words].slice(0, refused))
        assert.deepEqual(await run(name, word), [
          `${name}: ${word}: unknown option\n${name}: usage: ${usage}\n`,
          2,
        ]);
    }
    // Nothing of it restarted the device.
    assert.equal(gateway.hellos.length, 1);
  });

  test(`${port}: an exit that is called wrongly leaves the console open`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const console = await gateway.open(commands.console.op, (stream) => [stream]);
    console.write("exit -x\nexit y\necho still here\nexit\n");
    await until("its end", () => console.end !== undefined);
    const usage = "exit: usage: exit [CODE]\n";
    assert.equal(console.text, `exit: -x: unknown option\n${usage}${usage}still here\n`);
  });
}

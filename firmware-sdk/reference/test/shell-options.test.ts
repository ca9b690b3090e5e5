import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { Status } from "@motelet/profiles";
import { type DeviceStats, FileStore, LogRing, Settings } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

interface Call {
  readonly argv: readonly string[];
  readonly prints?: string;
  readonly matches?: string;
  readonly code: number;
}

interface BuiltInCases {
  readonly name: string;
  readonly usage: string;
  readonly options: string | null;
  readonly calls: readonly Call[];
}

const cases: {
  readonly files: Readonly<Record<string, string>>;
  readonly builtIns: readonly BuiltInCases[];
} = JSON.parse(await readFile(new URL("../shell-options.json", import.meta.url), "utf8"));
const stats: DeviceStats = {
  cpuMs: 0,
  heapTotalBytes: 3,
  heapFreeBytes: 2,
  heapMinBytes: 1,
  filesTotalBytes: 0,
  filesFreeBytes: 0,
  tasks: [],
};
/** Every printable ASCII character. */
const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (letter) => letter !== "-",
);

function device(): BenchSession {
  const files = new FileStore({ totalBytes: 10_000, files: 8 });
  for (const [path, text] of Object.entries(cases.files)) {
    const write = files.write(path, null, 0o640);
    assert.ok(typeof write !== "number");
    assert.equal(write.take(Buffer.from(text)), Status.OK);
    assert.equal(write.commit(undefined), Status.OK);
  }
  const ring = new LogRing({ capacityBytes: 2_000, epoch: 1 });
  return new BenchSession({ files, settings: new Settings(), ring, stats: () => stats });
}

suite("options of the shell's built-ins (shell-options.json)", () => {
  test("the table has every built-in, with the usage that help tells", () => {
    const [help] = device().run("help");
    const told = help.trimEnd().split("\n");
    assert.equal(told.length, cases.builtIns.length);
    for (const [i, { usage }] of cases.builtIns.entries())
      assert.ok(told[i]?.startsWith(`${usage} `), told[i]);
  });

  for (const { name, usage, options, calls } of cases.builtIns) {
    test(`${name} takes its options, and refuses every other by name with its usage`, () => {
      const own = device();
      for (const { argv, prints, matches, code } of calls) {
        const [text, exitCode] = own.run(...argv);
        if (prints === undefined) assert.match(text, new RegExp(matches as string));
        else assert.equal(text, prints, argv.join(" "));
        assert.equal(exitCode, code, argv.join(" "));
      }
      if (options === null) return;
      const words = letters.filter((letter) => !options.includes(letter)).map((letter) => `-${letter}`);
      for (const word of [...words, "--help", "--version"])
        assert.deepEqual(own.run(name, word), [
          `${name}: ${word}: unknown option\n${name}: usage: ${usage}\n`,
          2,
        ]);
      assert.equal(own.reboots, 0);
    });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseShellCall } from "./shell-call.ts";

const script = (text: string, stopsOnFailure = false) => ({ kind: "script", text, stopsOnFailure }) as const;
const refused = (reason: string) => ({ kind: "refused", reason }) as const;
const open = { kind: "open" } as const;

test("calls of a shell are recognised by name, path and options, and other programs are left alone", () => {
  const rows = [
    [["sh"], open],
    [["bash"], open],
    [["ash"], open],
    [["/bin/sh"], open],
    [["/usr/bin/bash", "-i", "-l"], open],
    [["/usr/local/bin/bash", "--login", "--norc"], open],
    [["bash", "-il"], open],
    [["sh", "-s"], open],
    [["sh", "-"], open],
    [["sh", "-c", "echo x"], script("echo x")],
    [["bash", "-lc", "echo x", "name", "1"], script("echo x")],
    [["bash", "-l", "-i", "-c", "--", "a"], script("a")],
    [["sh", "-ec", "a"], script("a", true)],
    [["sh", "-c", ""], script("")],
    [["sh", "-c"], refused("option -c needs an argument")],
    [["sh", "-x", "-c", "a"], refused("option -x is not supported")],
    [["bash", "--version"], refused("option --version is not supported")],
    [
      ["sh", "/a.sh"],
      refused("files of commands (/a.sh) are not supported: give the commands with -c or on stdin"),
    ],
    [["zsh"], undefined],
    [["powershell"], undefined],
    [["/opt/sh"], undefined],
    [["bin/sh"], undefined],
    [["shutdown"], undefined],
    [["echo", "sh"], undefined],
    [[], undefined],
  ] as const;
  for (const [argv, expected] of rows) assert.deepEqual(parseShellCall(argv), expected, argv.join(" "));
});

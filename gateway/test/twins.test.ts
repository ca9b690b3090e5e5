import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/*
 * The SDK exists in C and in TypeScript. A file and its twin have the same name, snake_case in C and kebab-case in TypeScript; C
 * puts the folder's name first (`shell/shell_files.c` and `shell/files.ts`), because its names must be unique in one folder.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Files of firmware-sdk/c/src without a twin in firmware-sdk/reference/src or profiles/src, and why. */
const onlyInC: Readonly<Record<string, string>> = {
  "arguments.c": "the rows of profiles/src/commands decode arguments in TypeScript",
  "beat.c": "profiles/src/message.ts encodes beats in TypeScript",
  "clock.c": "polls return their next deadline in TypeScript",
  "print.c": "TypeScript builds strings",
  "log_format.c": "TypeScript builds strings",
  "log_queue.c": "TypeScript has one thread and no interrupts",
  "kept_ring.c": "only C has memory that a reset corrupts",
  "flash_index.c": "only C keeps files in flash",
  "flash_layout.c": "only C keeps files in flash",
  "flash_sectors.c": "only C keeps files in flash",
  "flash_store.c": "only C keeps files in flash",
};

/** Files of firmware-sdk/reference/src without a twin in C, and why. */
const onlyInTypeScript: Readonly<Record<string, string>> = {
  "index.ts": "the package's public entry",
  "command.ts": "C's dispatch.h declares what a command is",
  "errors.ts": "C returns a status",
  "execution.ts": "C's job.c has its streams itself",
  "fitting.ts": "C stops writing entries when the message is full",
  "seconds.ts": "C's clock counts seconds and milliseconds",
  "session-settings.ts": "C's session.h declares its configuration",
  "streams.ts": "C's session.c keeps the open streams in an array",
  "shell/process.ts": "C's job.h declares what a program sees",
  "console/console-output.ts": "C's console.c is one file",
  "console/consoles.ts": "C's console.c is one file",
  "console/line-editor.ts": "C's console.c is one file",
  "console/text.ts": "C's console.c is one file",
};

/** Folders of one language: a port to what it runs on. */
const portFolders = ["board/", "carrier/"];

/** The name of a file without extension and folder prefix, in kebab-case. */
function nameOf(file: string): string {
  const name = basename(file)
    .replace(/\.\w+$/, "")
    .replaceAll("_", "-");
  const prefix = `${basename(dirname(file))}-`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

const find = (folder: string, pattern: string) =>
  globSync(pattern, { cwd: join(root, folder) })
    .filter((file) => !/\.(test|gen)\./.test(file))
    .sort();
const sources = find("firmware-sdk/c/src", "**/*.c");
const headers = find("firmware-sdk/c/include/mote", "**/*.h");
const twins = find("firmware-sdk/reference/src", "**/*.ts");
const profiles = find("profiles/src", "**/*.ts");

test("each C source has a twin in TypeScript of the same name, or a reason to have none", () => {
  const names = new Set([...twins, ...profiles].map(nameOf));
  const alone = sources.filter((file) => !names.has(nameOf(file))).map((file) => basename(file));
  assert.deepEqual(alone.sort(), Object.keys(onlyInC).sort());
});

test("each file of the reference runtime has a twin in C of the same name, or a reason to have none", () => {
  const names = new Set([...sources, ...headers].map(nameOf));
  const alone = twins.filter(
    (file) => !names.has(nameOf(file)) && !portFolders.some((folder) => file.startsWith(folder)),
  );
  assert.deepEqual(alone.sort(), Object.keys(onlyInTypeScript).sort());
});

test("no folder has more than 25 C sources or headers, and none of them has more than 450 lines", () => {
  const files = globSync("firmware-sdk/c/**/*.{c,h,cpp}", { cwd: root });
  assert.ok(files.length > 100, `${files.length} files`);
  const crowded = Object.entries(Object.groupBy(files, dirname)).flatMap(([folder, inside = []]) =>
    inside.length > 25 ? [`${folder}: ${inside.length} files`] : [],
  );
  const long = files.flatMap((file) => {
    const lines = readFileSync(join(root, file), "utf8").split("\n").length - 1;
    return lines > 450 ? [`${file}: ${lines} lines`] : [];
  });
  assert.deepEqual([...crowded, ...long], []);
});

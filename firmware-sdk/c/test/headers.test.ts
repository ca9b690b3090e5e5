import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commands, decodeMessage, encodeMessage, Status } from "@motelet/profiles";
import { buildFolder, make } from "./driver.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const find = (pattern: string) => globSync(pattern, { cwd: folder }).sort();
const warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];
const run = async (program: string, args: readonly string[], cwd = folder) =>
  (await promisify(execFile)(program, args, { cwd, maxBuffer: 1 << 26 })).stdout;

/** What the SDK is compiled with: `gcc` for the processes, a cross compiler for the bare port. */
const toolchains = [
  {
    prefix: "",
    flags: [],
    headers: "{include/mote/**,port,port/posix}/*.h",
    sources: "{port,port/posix}/*.c",
  },
  {
    prefix: "arm-none-eabi-",
    flags: ["-mcpu=cortex-m3", "-mthumb"],
    headers: "{include/mote/**,port,port/cortex-m}/*.h",
    sources: "port/cortex-m/*.c",
  },
];

/** Headers of C99 (7.2–7.24) and of POSIX that a file with the same name would hide. */
const systemHeaders =
  "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint " +
  "stdio stdlib string tgmath time wchar wctype dirent fcntl poll pthread sched spawn strings termios unistd utime";

test("no two files of the SDK and its ports have one basename, and none has a system header's", () => {
  const seen = new Map(systemHeaders.split(" ").map((name) => [`${name}.h`, "a header of the system"]));
  const files = find("{include,src,port,example,test}/**/*.{c,h,cpp}");
  assert.ok(files.length > 90, `${files.length} files`);
  for (const file of files) {
    // File systems of Windows and macOS do not tell cases apart.
    const name = basename(file).toLowerCase();
    assert.equal(seen.get(name), undefined, `${file} has the name of ${seen.get(name)}`);
    seen.set(name, file);
  }
});

for (const { prefix, flags, headers } of toolchains) {
  test(`every header compiles alone, as C99, C++11 and C++20, with ${prefix}gcc and ${prefix}g++`, async () => {
    for (const [program, language, standard] of [
      ["gcc", "c", "c99"],
      ["g++", "c++", "c++11"],
      ["g++", "c++", "c++20"],
    ] as const)
      await run(`${prefix}${program}`, [
        ...flags,
        `-std=${standard}`,
        // Of the posix port: a header that needs POSIX says so by what it includes.
        ...(prefix === "" ? ["-D_DEFAULT_SOURCE"] : []),
        ...warnings,
        // A header of nothing but macros is an empty file to C.
        ...(language === "c" ? ["-Wno-pedantic"] : []),
        "-Iinclude",
        "-fsyntax-only",
        "-x",
        language,
        ...find(headers),
      ]);
  });

  test(`all that the headers declare has C's linkage in C++, with ${prefix}g++`, async () => {
    const scratch = await mkdtemp(join(tmpdir(), "mote-linkage-"));
    try {
      const sources = [...find("src/**/*.c"), ...find(toolchains[0]?.sources as string)]
        .concat(find(toolchains.find((each) => each.prefix === prefix)?.sources as string))
        .filter((file) => prefix === "" || !file.startsWith("port/posix/"));
      const unique = [...new Set(sources)].map((file) => resolve(folder, file));
      await mkdir(join(scratch, "flat"));
      const include = [`-I${folder}include`, `-I${folder}src`];
      await run(`${prefix}gcc`, [...flags, "-std=c99", ...include, "-c", ...unique], join(scratch, "flat"));
      const objects = globSync(join(scratch, "flat/*.o"));
      assert.equal(objects.length, unique.length, "each source has an object of its own in one folder");
      const text = (
        await Promise.all(find(headers).map((file) => readFile(join(folder, file), "utf8")))
      ).join();
      const words = new Set(text.match(/\w+/g));
      const defined = (await run(`${prefix}nm`, ["-g", "--defined-only", ...objects]))
        .split("\n")
        .map((line) => line.split(" ").at(-1) as string)
        .filter((name) => words.has(name) && name !== "main");
      assert.ok(defined.length > 100, `${defined.length} names`);
      await writeFile(
        join(scratch, "names.cpp"),
        [
          ...find(headers).map((file) => `#include "${resolve(folder, file)}"`),
          "extern const void *const names[];",
          `const void *const names[] = {${defined.map((name) => `(const void *)&${name}`).join(",\n")}};`,
        ].join("\n"),
      );
      await run(
        `${prefix}g++`,
        [...flags, "-std=c++11", "-D_DEFAULT_SOURCE", ...include, "-c", "names.cpp"],
        scratch,
      );
      const wanted = (await run(`${prefix}nm`, ["-u", join(scratch, "names.o")]))
        .split("\n")
        .map((line) => line.trim().split(" ").at(-1) as string)
        .filter((name) => name !== "");
      assert.deepEqual(
        wanted.filter((name) => !defined.includes(name)),
        [],
        'these lack extern "C"',
      );
      assert.equal(wanted.length, new Set(defined).size);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
}

test("a device in C++ says hello and runs a program of its own", async () => {
  await make("cpp-device");
  const hex = (message: Parameters<typeof encodeMessage>[0]) =>
    Buffer.from(encodeMessage(message)).toString("hex");
  const welcome = hex({
    kind: "welcome",
    attempt: 1,
    sid: 7,
    streamsKept: false,
    time: { s: 1_000_000, ms: 0 },
    heartbeatS: 10,
    rtoMs: 500,
    reportWindow: 4,
    storedSeq: 0xffff,
  });
  const exec = hex({ kind: "request", id: 1, op: commands.exec.op, args: [1, 0, 0, ["hello"]] });
  const lines = (await run(`${buildFolder}cpp-device`, [welcome, exec])).trim().split("\n");
  const sent = lines.map((line) => decodeMessage(Buffer.from(line, "hex")).message);
  const [hello, response, data] = [
    sent[0],
    ...sent.filter(({ kind }) => kind === "response" || kind === "data"),
  ];
  assert.ok(hello?.kind === "hello" && response?.kind === "response" && data?.kind === "data");
  assert.equal(hello.board, "cpp");
  assert.equal(response.status, Status.OK);
  assert.equal(Buffer.from(data.bytes).toString(), "hello from C++\n");
  assert.deepEqual(data.end, { status: Status.OK, exitCode: 0 });
});

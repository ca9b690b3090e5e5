import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveMember, resolveName } from "./member-path.ts";

for (const [directory, name, path, short] of [
  ["/", "a", "/a", "a"],
  ["/", "/a//b/./c/", "/a/b/c", "a/b/c"],
  ["data", "./a", "/data/a", "a"],
  ["/data/", ".", "/data", ""],
  ["/", "/", "/", ""],
  ["//.", "a..b", "/a..b", "a..b"],
] as const) {
  test(`${name} in ${directory} is ${path}`, () => {
    assert.deepEqual(resolveName(directory, name), { path, name: short });
  });
}

for (const [directory, name] of [
  ["/", ".."],
  ["/", "../etc"],
  ["/data", "a/../b"],
  ["/data/..", "a"],
  ["/", "a\0b"],
] as const) {
  test(`${JSON.stringify(name)} in ${directory} is refused`, () => {
    assert.ok("refusal" in resolveName(directory, name));
  });
}

test("a member of an archive is not absolute", () => {
  assert.deepEqual(resolveMember("/data", "/a"), { refusal: "Member name is absolute" });
  assert.deepEqual(resolveMember("/data", "a"), { path: "/data/a", name: "a" });
});

test("a path of 255 bytes is taken, one of 256 is not", () => {
  assert.ok("path" in resolveName("/", "ä".repeat(127)));
  assert.ok("refusal" in resolveName("/", `${"ä".repeat(127)}b`));
});

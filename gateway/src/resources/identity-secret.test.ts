import assert from "node:assert/strict";
import { test } from "node:test";
import { identityOf } from "./identity-secret.ts";

function identityWith(data: Readonly<Record<string, string | Uint8Array>>) {
  const encoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  return identityOf({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "lamp-identity" },
    data: Object.fromEntries(encoded),
  });
}

test("an identity has a wire id, a password, a generation, and a key where one is given", () => {
  const base = { wireId: "lamp", password: "secret" };
  const identity = { ...base, generation: 1 };
  assert.deepEqual(identityWith(base), identity);
  assert.deepEqual(identityWith({ ...base, generation: "7", key: "" }), { ...identity, generation: 7 });
  for (const wrong of [{ wireId: "Lamp" }, { wireId: "x".repeat(13) }, { password: "" }, { generation: "0" }])
    assert.equal(identityWith({ ...base, ...wrong }), undefined);
});

test("an identity says which Secret it came from", () => {
  const data = { wireId: "bGFtcA==", password: "c2VjcmV0" };
  assert.equal(identityOf({ metadata: { name: "lamp-identity", uid: "u-1" }, data })?.secretUid, "u-1");
});

test("a key has 16 to 256 bytes, which need not be text", () => {
  const withKey = (length: number) =>
    identityWith({ wireId: "lamp", password: "secret", key: Buffer.alloc(length, 0xff) })?.key?.length;
  assert.deepEqual([15, 16, 256, 257].map(withKey), [undefined, 16, 256, undefined]);
});

test("beside an identity stands the one before it, of another generation", () => {
  const base = { wireId: "lamp", password: "new", generation: "3", previousPassword: "old" };
  assert.deepEqual(identityWith(base)?.previous, { generation: 2, password: "old" });
  assert.deepEqual(identityWith({ ...base, previousGeneration: "1" })?.previous, {
    generation: 1,
    password: "old",
  });
  const key = Buffer.alloc(16, 7);
  assert.deepEqual(identityWith({ ...base, previousKey: key })?.previous?.key, Uint8Array.from(key));
  for (const wrong of [
    { previousGeneration: "3" },
    { previousGeneration: "0" },
    { generation: "1" },
    { previousKey: "short" },
  ])
    assert.equal(identityWith({ ...base, ...wrong }), undefined);
});

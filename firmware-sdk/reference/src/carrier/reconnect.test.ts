import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { type ConnectionEnd, Reconnect } from "./reconnect.ts";

const {
  cases,
}: {
  readonly cases: readonly {
    readonly name: string;
    readonly steps: readonly (readonly ["opened", number] | readonly [ConnectionEnd, number, number])[];
  }[];
} = JSON.parse(await readFile(new URL("../../reconnect-cases.json", import.meta.url), "utf8"));

suite("a device that connects again", () => {
  for (const { name, steps } of cases)
    test(name, () => {
      const reconnect = new Reconnect();
      for (const [what, atMs, waitMs] of steps) {
        if (what === "opened") reconnect.opened(atMs);
        else assert.equal(reconnect.ended(what, atMs), waitMs, `${what} at ${atMs} ms`);
      }
    });
});

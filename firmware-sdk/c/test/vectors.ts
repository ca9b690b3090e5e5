import { readFileSync } from "node:fs";

/** Reads a file of the shared vectors. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../profiles/vectors/${name}`, import.meta.url), "utf8")) as T;
}

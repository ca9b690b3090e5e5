import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ImportGraph, importCircles } from "./import-circles.ts";

function graphOf(imports: Readonly<Record<string, string>>): ImportGraph {
  return new Map(Object.entries(imports).map(([file, targets]) => [file, targets.split(" ")]));
}

test("a graph without a circle has none, however many ways lead to a file", () => {
  assert.deepEqual(importCircles(graphOf({ a: "b c", b: "d", c: "d", d: "elsewhere" })), []);
});

test("files that reach each other are one circle, and what only leads there is not of it", () => {
  const graph = graphOf({ start: "a", a: "b", b: "c", c: "a leaf", leaf: "", x: "y", y: "x" });
  assert.deepEqual(importCircles(graph), [
    ["a", "b", "c"],
    ["x", "y"],
  ]);
});

test("a file that imports itself is a circle", () => {
  assert.deepEqual(importCircles(graphOf({ a: "a" })), [["a"]]);
});

test("two files are in one circle exactly where each reaches the other", () => {
  const files = fc.integer({ min: 0, max: 7 }).map(String);
  fc.assert(
    fc.property(fc.array(fc.tuple(files, files), { maxLength: 20 }), (arrows) => {
      const graph = new Map<string, string[]>();
      for (let file = 0; file < 8; file++) graph.set(String(file), []);
      for (const [from, to] of arrows) graph.get(from)?.push(to);
      const circles = importCircles(graph);
      for (const a of graph.keys()) {
        for (const b of graph.keys()) {
          const together = circles.some((circle) => circle.includes(a) && circle.includes(b));
          assert.equal(together, reaches(graph, a, b) && reaches(graph, b, a), `${a} and ${b}`);
        }
      }
    }),
  );
});

/** Whether at least one arrow leads from a file to another. */
function reaches(graph: ImportGraph, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [...(graph.get(from) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (file === to) return true;
    if (!seen.has(file)) open.push(...(graph.get(file) ?? []));
    seen.add(file);
  }
  return false;
}

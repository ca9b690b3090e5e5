#!/usr/bin/env node
// This file is JavaScript that older versions of Node can read, so that they start the right one or report an error.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

const oldestMajor = 24;
const sourceFlags = ["--conditions=motelet-source", "--disable-warning=ExperimentalWarning"];
const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
const isRecent = Number.parseInt(process.versions.node, 10) >= oldestMajor;

// Only a checkout has main.ts. There, #main is main.ts if the condition is set, and dist/main.js otherwise, which need not exist.
const runsInCheckout = existsSync(beside("main.ts"));
const readsSources = process.execArgv.includes(sourceFlags[0]);
const nodeOfCheckout = beside("../../node_modules/.bin/node");

if (runsInCheckout && !readsSources && (isRecent || existsSync(nodeOfCheckout))) {
  startAgain(isRecent ? process.execPath : nodeOfCheckout);
} else if (!isRecent) {
  const here = `this is ${process.version} (${process.execPath})`;
  const remedy = runsInCheckout ? "; `make setup` installs one in this checkout" : "";
  process.stderr.write(`motelet: expected Node.js ${oldestMajor} or newer, ${here}${remedy}\n`);
  process.exitCode = 1;
} else {
  await import("#main");
}

/** Runs the sources of this checkout in place of this process; as a child if this Node cannot replace itself. */
function startAgain(node) {
  const args = [...process.execArgv, ...sourceFlags, ...process.argv.slice(1)];
  process.execve?.(node, [node, ...args], process.env);
  // In a process group of its own, so that a signal to our group arrives once: through us.
  const child = spawn(node, args, { stdio: "inherit", detached: true });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.once("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

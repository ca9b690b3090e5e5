/**
 * Runs a control plane in the foreground until Ctrl-C: what `make cluster` does.
 *
 *   node hil-tests/control-plane/cluster.ts [--kubernetes 1.37] [--audit-log <file>] [--verbose]
 */
import { once } from "node:events";
import process from "node:process";
import { parseArgs } from "node:util";
import { startControlPlane } from "./control-plane.ts";

const { values } = parseArgs({
  options: {
    kubernetes: { type: "string" },
    "audit-log": { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

async function run(): Promise<void> {
  const startedMs = performance.now();
  await using controlPlane = await startControlPlane({
    signal: stop.signal,
    ...(values.kubernetes === undefined ? {} : { kubernetes: values.kubernetes }),
    ...(values["audit-log"] === undefined ? {} : { auditLogPath: values["audit-log"] }),
    ...(values.verbose
      ? { onLine: (component, line) => process.stderr.write(`${component}: ${line}\n`) }
      : {}),
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(
    `A control plane is up after ${seconds} s at ${controlPlane.url}. In another terminal:\n\n`,
  );
  process.stdout.write(`export KUBECONFIG=${controlPlane.adminKubeconfigPath}\n`);
  process.stderr.write(
    `\nwith this kubectl: ${controlPlane.kubectlPath}\nCtrl-C ends it and removes everything.\n`,
  );
  const failure = await Promise.race([controlPlane.failed, once(stop.signal, "abort")]);
  if (failure instanceof Error) throw failure;
}

try {
  await run();
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

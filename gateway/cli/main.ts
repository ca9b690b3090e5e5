import { Command } from "commander";
import { holdMemoryFlags } from "./memory-flags.ts";
import { version } from "./version.ts";

// Before anything is loaded that would have to be loaded again.
if (process.argv[2] === "gateway" && process.argv[3] === "run") holdMemoryFlags();

// Whoever reads the output may have had enough (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

/** The motelet command: one noun, one verb, one file each. */
const program = new Command("motelet")
  .description("The kubelet for motes: microcontrollers as Kubernetes Nodes")
  .version(version)
  .showHelpAfterError("(motelet --help shows the options)");

// The gateway's packages take half a second and 100 MB to load, and devices do without: only what is called is loaded.
const noun = process.argv[2];
if (noun !== "gateway") {
  const { deviceRunCommand } = await import("./commands/device-run.ts");
  program.command("device").description("devices that run in this process").addCommand(deviceRunCommand());
}
if (noun !== "device") {
  const { gatewayCommand } = await import("./commands/gateway-run.ts");
  program.addCommand(gatewayCommand());
}

await program.parseAsync();

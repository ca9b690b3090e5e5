import {
  ConfigError,
  environmentName,
  flagName,
  Gateway,
  type LoadedConfig,
  loadConfig,
  type SettingKey,
  settingKeys,
  settings,
} from "@motelet/gateway";
import { Command, Option } from "commander";
import { version } from "../version.ts";

const keyOf = new Map<string, SettingKey>();

/** A command with one flag for each setting; its values come out under the settings' keys. */
function withSettings(command: Command): Command {
  command.option("--config <file>", "YAML file of settings, e.g. `mqtt: {port: 1883}`");
  for (const key of settingKeys) {
    const { help, default: fallback } = settings[key];
    const said = `${help} (${environmentName(key)}; default ${JSON.stringify(fallback)})`;
    const option = new Option(`${flagName(key)} <value>`, said);
    keyOf.set(option.attributeName(), key);
    command.addOption(option);
  }
  return command;
}

/** The configuration of a command line made by withSettings. */
function configOf(options: Readonly<Record<string, string>>) {
  const { config: file = process.env.MOTELET_CONFIG, ...given } = options;
  const flags = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [keyOf.get(name) ?? name, value]),
  );
  return loadConfig({ ...(file === undefined ? {} : { file }), environment: process.env, flags });
}

/** Exit code of a configuration that cannot be used (sysexits.h EX_CONFIG). */
const configExitCode = 78;

/** Says an error that a person has to mend in one line, without a stack. */
async function saying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`motelet gateway: ${error.message}\n`);
    process.exitCode = configExitCode;
  }
}

function printConfig({ config, sources }: LoadedConfig): void {
  const lines = settingKeys.map((key) => `${key}: ${JSON.stringify(config[key])}  # ${sources[key]}\n`);
  process.stdout.write(lines.join(""));
}

/** `motelet gateway run` and `motelet gateway config`. */
export function gatewayCommand(): Command {
  const run = new Command("run").description("run the gateway in the foreground");
  const config = new Command("config").description("print the effective configuration with its sources");
  return new Command("gateway")
    .description("the gateway between devices and a cluster")
    .addCommand(
      withSettings(run).action((options: Record<string, string>) =>
        saying(() => Gateway.run(configOf(options).config, version)),
      ),
    )
    .addCommand(
      withSettings(config).action((options: Record<string, string>) =>
        saying(async () => printConfig(configOf(options))),
      ),
    );
}

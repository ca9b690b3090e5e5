export { type Config, environmentName, flagName, type SettingKey, settingKeys, settings } from "./config.ts";
export { ConfigError, MoteletError } from "./foundation/errors.ts";
export { Gateway } from "./gateway.ts";
export { type LoadedConfig, loadConfig } from "./load-config.ts";

export { type Command, type CommandContext, type InfoResult, implement, type Outcome } from "./command.ts";
export { ReferenceDevice } from "./device.ts";
export { containDeviceErrors } from "./device-context.ts";
export type { DeviceOptions, DeviceState } from "./device-options.ts";
export { OptionError, UnavailableError } from "./errors.ts";
export {
  type FaultCounts,
  type FaultKind,
  type FaultRates,
  FaultyLink,
  faultKinds,
  parseFaultRates,
} from "./faults.ts";
export { FileFolder } from "./file-folder.ts";
export {
  type FileKeeper,
  FileStore,
  type FileStoreLimits,
  FileWrite,
  type PathStat,
} from "./file-store.ts";
export type { DirectoryEntry, StoredFile } from "./file-tree.ts";
export { Fleet, type FleetSummary } from "./fleet.ts";
export type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";
export { LogRing, type RingEntry } from "./log-ring.ts";
export { MqttLink, type MqttLinkOptions } from "./mqtt-client.ts";
export type { MqttConnectionOptions } from "./mqtt-connection.ts";
export { adcPeripheral, switchPeripheral } from "./peripherals.ts";
export { seededRandom } from "./sensors.ts";
export { SerialLink } from "./serial-line.ts";
export {
  builtInServices,
  echoPort,
  echoService,
  type Service,
  type ServiceOutput,
  type Services,
} from "./services.ts";
export { Session } from "./session.ts";
export type { SessionPhase } from "./session-machine.ts";
export type { SessionCounters, SessionOutput, SessionSettings } from "./session-settings.ts";
export { Settings } from "./settings.ts";
export type { ShellCommandRow } from "./shell/command.ts";
export { shellCommands } from "./shell/commands.ts";
export type {
  DeviceParts,
  Peripheral,
  RunningCommand,
  ShellCommand,
  ShellProcess,
  StdinReader,
  Terminal,
} from "./shell/process.ts";
export { startMqttDevice, startSerialDevice } from "./start.ts";
export type { DeviceStats, TaskStats } from "./stats.ts";
export { StreamReceiver, StreamSender } from "./stream.ts";
export type { StreamEndpoint } from "./streams.ts";
export { parseServiceAddress, type ServiceAddress, tcpService } from "./tcp-service.ts";

export {
  type FaultCounts,
  type FaultKind,
  type FaultRates,
  FaultyLink,
  faultKinds,
  parseFaultRates,
} from "./carrier/faults.ts";
export type { DeviceLink, LinkEvents, LinkTraffic } from "./carrier/link.ts";
export { MqttLink, type MqttLinkOptions } from "./carrier/mqtt-client.ts";
export type { MqttConnectionOptions } from "./carrier/mqtt-connection.ts";
export { SerialLink } from "./carrier/serial-line.ts";
export { type Command, type CommandContext, type InfoResult, implement, type Outcome } from "./command.ts";
export { ReferenceDevice } from "./device.ts";
export { containDeviceErrors } from "./device-context.ts";
export type { DeviceOptions, DeviceState } from "./device-options.ts";
export { OptionError, UnavailableError } from "./errors.ts";
export { Fleet, type FleetSummary } from "./fleet.ts";
export { FileFolder } from "./parts/file-folder.ts";
export {
  type FileKeeper,
  FileStore,
  type FileStoreLimits,
  FileWrite,
  type PathStat,
} from "./parts/file-store.ts";
export type { DirectoryEntry, StoredFile } from "./parts/file-tree.ts";
export { LogRing, type RingEntry } from "./parts/log-ring.ts";
export { adcPeripheral, switchPeripheral } from "./parts/peripherals.ts";
export { seededRandom } from "./parts/sensors.ts";
export {
  builtInServices,
  echoPort,
  echoService,
  type Service,
  type ServiceOutput,
  type Services,
} from "./parts/services.ts";
export { Settings } from "./parts/settings.ts";
export type { DeviceStats, TaskStats } from "./parts/stats.ts";
export { parseServiceAddress, type ServiceAddress, tcpService } from "./parts/tcp-service.ts";
export { Session } from "./session.ts";
export type { SessionPhase } from "./session-machine.ts";
export type { SessionCounters, SessionOutput, SessionSettings } from "./session-settings.ts";
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
export { StreamReceiver, StreamSender } from "./stream.ts";
export type { StreamEndpoint } from "./streams.ts";

export { ReferenceDevice } from "./board/device.ts";
export { containDeviceErrors } from "./board/device-context.ts";
export type { DeviceOptions, DeviceState } from "./board/device-options.ts";
export { FileFolder } from "./board/file-folder.ts";
export {
  type FileKeeper,
  FileStore,
  type FileStoreLimits,
  FileWrite,
  type PathStat,
} from "./board/file-store.ts";
export type { DirectoryEntry, StoredFile } from "./board/file-tree.ts";
export { Fleet, type FleetSummary } from "./board/fleet.ts";
export { adcPeripheral, switchPeripheral } from "./board/peripherals.ts";
export { seededRandom } from "./board/sensors.ts";
export {
  builtInServices,
  echoPort,
  echoService,
  type Service,
  type ServiceOutput,
  type Services,
} from "./board/services.ts";
export { Settings } from "./board/settings.ts";
export { startCoapDevice, startMqttDevice, startSerialDevice } from "./board/start.ts";
export { parseServiceAddress, type ServiceAddress, tcpService } from "./board/tcp-service.ts";
export { CoapLink, type CoapLinkOptions } from "./carrier/coap-client.ts";
export type { CoapContent, CoapOption } from "./carrier/coap-message.ts";
export type { CoapProtection, OpenedResponse, ProtectedRequest } from "./carrier/coap-protection.ts";
export {
  type FaultCounts,
  type FaultKind,
  type FaultRates,
  FaultyLink,
  faultKinds,
  parseFaultRates,
} from "./carrier/faults.ts";
export { SerialLink } from "./carrier/line.ts";
export type { DeviceLink, LinkEvents, LinkTraffic } from "./carrier/link.ts";
export { MqttLink, type MqttLinkOptions } from "./carrier/mqtt-client.ts";
export type { MqttConnectionOptions } from "./carrier/mqtt-connection.ts";
export { type Command, type CommandContext, type InfoResult, implement, type Outcome } from "./command.ts";
export { OptionError, UnavailableError } from "./errors.ts";
export { LogRing, type RingEntry } from "./log-ring.ts";
export { Session } from "./session.ts";
export type { SessionPhase } from "./session-machine.ts";
export type { SessionCounters, SessionOutput, SessionSettings } from "./session-settings.ts";
export type { ShellCommandRow } from "./shell/call.ts";
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
export type { DeviceStats, TaskStats } from "./stats.ts";
export { StreamReceiver, StreamSender } from "./stream.ts";
export type { StreamEndpoint } from "./streams.ts";

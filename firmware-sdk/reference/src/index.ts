export { type Command, type CommandContext, type InfoResult, implement, type Outcome } from "./command.ts";
export { type DeviceOptions, type DeviceState, ReferenceDevice } from "./device.ts";
export { OptionError, UnavailableError } from "./errors.ts";
export {
  type FaultCounts,
  type FaultKind,
  type FaultRates,
  FaultyLink,
  faultKinds,
  parseFaultRates,
} from "./faults.ts";
export { Fleet, type FleetSummary } from "./fleet.ts";
export type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";
export { LogRing, type RingEntry } from "./log-ring.ts";
export { MqttLink, type MqttLinkOptions } from "./mqtt-client.ts";
export type { MqttConnectionOptions } from "./mqtt-connection.ts";
export { seededRandom } from "./sensors.ts";
export { SerialLink } from "./serial-line.ts";
export { Session, type SessionCounters, type SessionOutput, type SessionSettings } from "./session.ts";
export type { SessionPhase } from "./session-machine.ts";
export { type ShellCommand, type ShellProcess, type StdinReader, shellCommands } from "./shell.ts";
export { startMqttDevice, startSerialDevice } from "./start.ts";
export { StreamReceiver, StreamSender } from "./stream.ts";

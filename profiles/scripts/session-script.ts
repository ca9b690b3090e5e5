import {
  type CborValue,
  commands,
  encodeCbor,
  encodeMessage,
  type HelloMessage,
  type Message,
} from "../src/index.ts";

/** The device that a script is played against; what it does not say is in the header of the file. */
export interface ScriptedDevice {
  readonly boot: number;
  readonly caps: number;
  readonly maxMessageBytes: number;
  readonly rxWindowBytes: number;
  readonly streamBufferBytes: number;
  readonly streams: number;
  readonly logRingBytes: number;
  readonly rtoMs: number;
  readonly beatsAcked: boolean;
  /** Room for files; absent: the device keeps none. */
  readonly fileBytes?: number;
  readonly ring?: { readonly epoch: number; readonly nextSeq: number; readonly oldestSeq: number };
}

/** One input at a time, and everything that the device sends because of it, in order, as hex. */
export interface ScriptStep {
  readonly at: number;
  readonly open?: true;
  readonly close?: true;
  readonly receive?: string;
  readonly log?: string;
  readonly tick?: true;
  readonly send: readonly string[];
  readonly effects?: readonly string[];
}

export interface SessionScript {
  readonly name: string;
  readonly spec: string;
  readonly machine: "device";
  readonly device: ScriptedDevice;
  readonly steps: readonly ScriptStep[];
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export type Sent = Message | Uint8Array;
export const encoded = (message: Sent): string =>
  hexOf(message instanceof Uint8Array ? message : encodeMessage(message));

export const open = (at: number, ...send: Sent[]): ScriptStep => ({
  at,
  open: true,
  send: send.map(encoded),
});
export const close = (at: number): ScriptStep => ({ at, close: true, send: [] });
export const tick = (at: number, ...send: Sent[]): ScriptStep => ({
  at,
  tick: true,
  send: send.map(encoded),
});
export const log = (at: number, text: string, ...send: Sent[]): ScriptStep => ({
  at,
  log: text,
  send: send.map(encoded),
});
export const receive = (at: number, message: Sent, ...send: Sent[]): ScriptStep => ({
  at,
  receive: encoded(message),
  send: send.map(encoded),
});

/** A message that the encoder would refuse to make. */
export const raw = (...elements: CborValue[]): Uint8Array => encodeCbor(elements);

const utf8 = new TextEncoder();
const boot = 0x0102_0304;
export const sid = 7;

/** exec, log-read, reboot, time, stderr. */
export const plainDevice: ScriptedDevice = {
  boot,
  caps: 0b0111_1001,
  maxMessageBytes: 128,
  rxWindowBytes: 128,
  streamBufferBytes: 128,
  streams: 2,
  logRingBytes: 512,
  rtoMs: 500,
  beatsAcked: true,
};
export const impatientDevice: ScriptedDevice = { ...plainDevice, rtoMs: 40 };

export function hello(
  attempt: number,
  knownSid: number,
  uptimeS: number,
  ring?: ScriptedDevice["ring"],
): HelloMessage {
  return {
    kind: "hello",
    version: 0,
    boot,
    attempt,
    sid: knownSid,
    caps: plainDevice.caps,
    maxMessageBytes: plainDevice.maxMessageBytes,
    rxWindowBytes: plainDevice.rxWindowBytes,
    uptimeS,
    ...(ring ? { ring } : {}),
  };
}

export function welcome(
  attempt: number,
  given: Partial<Omit<Message & { kind: "welcome" }, "kind">> = {},
): Message {
  return {
    kind: "welcome",
    attempt,
    sid,
    streamsKept: false,
    time: { s: 1_000_000, ms: 0 },
    heartbeatS: 10,
    rtoMs: 500,
    reportWindow: 4,
    storedSeq: 0,
    ...given,
  };
}

export const beat = (uptimeS: number): Message => ({ kind: "beat", uptimeS });
export const bye = (reason: number, seconds?: number): Message =>
  seconds === undefined ? { kind: "bye", reason } : { kind: "bye", reason, seconds };
export const request = (id: number, op: number, ...args: CborValue[]): Message => ({
  kind: "request",
  id,
  op,
  args,
});
export const response = (id: number, status: number, ...result: CborValue[]): Message => ({
  kind: "response",
  id,
  status,
  result,
});
export const ping = (id: number): Message => request(id, commands.ping.op);
export const exec = (
  id: number,
  argv: readonly string[],
  given: { stderr?: number; stdin?: true; stream?: number } = {},
): Message =>
  request(
    id,
    commands.exec.op,
    ...commands.exec.encodeRequest({
      stream: given.stream ?? 1,
      stderrStream: given.stderr ?? 0,
      flags: given.stdin ? 1 : 0,
      argv,
    }),
  );
export const ack = (storedSeq: number): Message => ({ kind: "ack", storedSeq });
export const text = (seq: number, ageMs: number, line: string): Message => ({
  kind: "report",
  seq,
  ageMs,
  body: { type: "text", level: 1, text: line },
});
export const gap = (seq: number, count: number): Message => ({
  kind: "report",
  seq,
  ageMs: null,
  body: { type: "gap", count },
});
export const data = (
  stream: number,
  offset: number,
  bytes: string,
  end?: { status: number; exitCode?: number },
): Message => ({ kind: "data", stream, offset, bytes: utf8.encode(bytes), ...(end ? { end } : {}) });
export const exited = (exitCode: number) => ({ status: 0, exitCode });
export const ended = { status: 0 };
export const credit = (stream: number, next: number, window: number, status?: number): Message =>
  status === undefined
    ? { kind: "credit", stream, next, window }
    : { kind: "credit", stream, next, window, status };

/** The first steps of most scripts: hello at 0, welcome at 10. */
export const joined = (given: Parameters<typeof welcome>[1] = {}): ScriptStep[] => [
  open(0, hello(1, 0, 0)),
  receive(10, welcome(1, given), beat(0)),
];

/** A script of the device's machine. */
export const script = (
  name: string,
  spec: string,
  steps: readonly ScriptStep[],
  device: ScriptedDevice = plainDevice,
): SessionScript => ({ name, spec, machine: "device", device, steps });

import { defaults, type Message } from "../src/index.ts";
import { encoded, type Sent, welcome } from "./session-script.ts";

/** A path to the device; of each there is one at a time. */
export type Line = "serial" | "mqtt";

/** The gateway that a script is played against. */
export interface ScriptedGateway {
  readonly heartbeatS: number;
  /** Unix seconds when the script begins. */
  readonly wallS: number;
  /** The carriers' retransmission time-outs. */
  readonly rtoMs: Readonly<Record<Line, number>>;
}

/** One input at a time, and everything that the gateway sends because of it, for each line in order, as hex. */
export interface GatewayStep {
  readonly at: number;
  /** The line that opens, closes or brings a message. */
  readonly on?: Line;
  readonly open?: true;
  readonly close?: true;
  readonly receive?: string;
  /** The request to make; its id is the gateway's to choose. */
  readonly call?: string;
  /** What the caller does with the newest stream: text to send, its end, or leaving it. */
  readonly write?: string;
  readonly endInput?: true;
  readonly cancel?: true;
  readonly restart?: true;
  readonly end?: "closing";
  readonly tick?: true;
  readonly send: Readonly<Partial<Record<Line, readonly string[]>>>;
  readonly effects?: readonly string[];
}

export interface GatewayScript {
  readonly name: string;
  readonly spec: string;
  readonly machine: "gateway";
  readonly gateway: ScriptedGateway;
  readonly steps: readonly GatewayStep[];
}

const plainGateway: ScriptedGateway = {
  heartbeatS: defaults.heartbeatS,
  wallS: 1_000_000,
  rtoMs: { serial: defaults.serialRtoMs, mqtt: defaults.rtoMs },
};

function stepsOn(on: Line) {
  const sends = (send: readonly Sent[]) => (send.length === 0 ? {} : { [on]: send.map(encoded) });
  return {
    open: (at: number, ...send: Sent[]): GatewayStep => ({ at, on, open: true, send: sends(send) }),
    close: (at: number): GatewayStep => ({ at, on, close: true, send: {} }),
    receive: (at: number, message: Sent, ...send: Sent[]): GatewayStep => ({
      at,
      on,
      receive: encoded(message),
      send: sends(send),
    }),
    call: (at: number, wanted: Message, ...send: Sent[]): GatewayStep => ({
      at,
      call: encoded(wanted),
      send: sends(send),
    }),
    tick: (at: number, ...send: Sent[]): GatewayStep => ({ at, tick: true, send: sends(send) }),
    /** What a step sends on this line besides. */
    too: (step: GatewayStep, ...send: Sent[]): GatewayStep => ({
      ...step,
      send: { ...step.send, ...sends(send) },
    }),
  };
}

/** Steps whose input or output is on the serial line. */
export const serial = stepsOn("serial");
/** Steps whose input or output is on MQTT. */
export const mqtt = stepsOn("mqtt");

/** The gateway restarts with what it has stored; its lines must be opened again. */
export const restart = (at: number): GatewayStep => ({ at, restart: true, send: {} });
/** The caller uses the newest stream. */
export const onStream = (
  at: number,
  { write, end, cancel }: { write?: string; end?: true; cancel?: true },
): GatewayStep => ({
  at,
  ...(write === undefined ? {} : { write }),
  ...(end ? { endInput: true } : {}),
  ...(cancel ? { cancel: true } : {}),
  send: {},
});
/** The gateway goes away. */
export const end = (at: number): GatewayStep => ({ at, end: "closing", send: {} });

/** A step and what comes of it apart from messages. */
export const telling = (step: GatewayStep, ...effects: string[]): GatewayStep => ({ ...step, effects });

/** The welcome as it is sent at a time of the script. */
export const welcomeAt = (at: number, attempt: number, given: Parameters<typeof welcome>[1] = {}): Message =>
  welcome(attempt, {
    time: { s: plainGateway.wallS + Math.floor(at / 1000), ms: at % 1000 },
    ...given,
  });

/** A script of the gateway's machine. */
export const gatewayScript = (
  name: string,
  spec: string,
  steps: readonly GatewayStep[],
  given: Partial<ScriptedGateway> = {},
): GatewayScript => ({ name, spec, machine: "gateway", gateway: { ...plainGateway, ...given }, steps });

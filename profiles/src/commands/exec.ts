import { integer, list, MessageError, optional, text, tuple, u8, u16 } from "../fields.ts";
import { limits } from "../limits.ts";
import { command, nothing, stream, streamOrNone } from "./row.ts";

/** Flags of commands with argv (SPEC §6.3). */
export const ExecFlag = { stdin: 1, tty: 2 } as const;
/** The actions of exec-control (SPEC §6.4). */
export const ExecControl = { signal: 1, resize: 2 } as const;

const streams = { stream, stderrStream: streamOrNone, flags: u8 };
const argv = list(text(limits.messageBytes), 1);

/** @throws MessageError where stderr is to come on the stream of stdout */
function expectTwoStreams(name: string) {
  return (args: { readonly stream: number; readonly stderrStream: number }) => {
    if (args.stderrStream === args.stream)
      throw new MessageError("MESSAGE_FIELD", `${name}.stderrStream: expected another stream than stdout's`);
  };
}

const exec = command({
  op: 5,
  name: "exec",
  summary: "starts a command",
  effect: "at-most-once",
  capability: "exec",
  request: { ...streams, argv },
  response: nothing,
  check: expectTwoStreams("exec"),
});

const execControl = command({
  op: 6,
  name: "exec-control",
  summary: "signals or resizes what runs on a stream",
  effect: "idempotent",
  capability: "exec",
  request: { stream, control: integer(1, 0xff), value: u16, value2: optional(u16) },
  response: nothing,
  check({ control, value }) {
    if (control === ExecControl.signal && (value < 1 || value > limits.signal)) {
      throw new MessageError(
        "MESSAGE_FIELD",
        `exec-control.value: expected a signal of 1 to ${limits.signal}, got ${value}`,
      );
    }
  },
});

const console = command({
  op: 7,
  name: "console",
  summary: "opens the console as a stream",
  effect: "at-most-once",
  capability: "console",
  request: { stream },
  response: nothing,
});

const dial = command({
  op: 12,
  name: "dial",
  summary: "connects a stream with a service of the device",
  effect: "at-most-once",
  capability: "dial",
  request: { stream, port: integer(1, 0xffff) },
  response: nothing,
});

const peripheralList = command({
  op: 19,
  name: "peripheral-list",
  summary: "the peripherals from index `from`",
  effect: "none",
  capability: "peripherals",
  request: { from: u8 },
  response: {
    total: u8,
    entries: list(tuple({ name: text(limits.peripheralBytes), kind: text(limits.peripheralKindBytes) })),
  },
});

const peripheralInvoke = command({
  op: 20,
  name: "peripheral-invoke",
  summary: "gives a command to a peripheral",
  effect: "at-most-once",
  capability: "peripherals",
  request: { ...streams, peripheral: text(limits.peripheralBytes), argv },
  response: nothing,
  check: expectTwoStreams("peripheral-invoke"),
});

/** The commands that open streams, or control a command on a stream. */
export const streamCommands = { exec, execControl, console, dial, peripheralList, peripheralInvoke } as const;

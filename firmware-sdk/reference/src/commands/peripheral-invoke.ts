import { commands, limits, Status } from "@motelet/profiles";
import { implement } from "../command.ts";
import { encodedBytes } from "../fitting.ts";
import { startCommand } from "./exec.ts";

/** Sends a command to a peripheral (SPEC §6.15). */
export const peripheralInvoke = implement(commands.peripheralInvoke, (args, context) => {
  const words = [args.peripheral, ...args.argv];
  if (encodedBytes(words) > context.maxMessageBytes - limits.argvReserveBytes)
    return { status: Status.OUT_OF_RANGE };
  const peripheral = context.parts.peripherals?.find(({ name }) => name === args.peripheral);
  if (!peripheral) return { status: Status.NOT_FOUND };
  return { status: startCommand(args, words, context, (process) => peripheral.run(process, args.argv)) };
});

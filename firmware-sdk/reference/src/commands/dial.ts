import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/**
 * Connects a stream with a service of the device (SPEC §6.10); the answer waits until the service has accepted or
 * refused.
 */
export const dial = implement(commands.dial, ({ stream, port }, { parts, streams, rtoMs, wake }) => {
  const service = parts.services?.get(port);
  if (!service) return { status: Status.NOT_FOUND };
  return {
    later(settle) {
      const status = streams.open([stream], rtoMs, ([sender]) => {
        if (!sender) throw new RangeError("a service needs a stream");
        const output = {
          get free() {
            return sender.free;
          },
          write: (bytes: Uint8Array) => sender.write(bytes),
          finish: (end: { readonly status: number }) => sender.finish(end),
          changed: wake,
        };
        return service(output, (outcome) => {
          // Where nothing answers there is no stream either: it was only reserved.
          if (outcome !== Status.OK) streams.drop(stream, sender);
          settle({ status: outcome });
        });
      });
      if (status !== Status.OK) settle({ status });
    },
  };
});

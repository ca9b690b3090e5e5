import { commands, Status } from "@motelet/profiles";
import { implement } from "../command.ts";

/** Sends a file on a stream (SPEC §6.12). */
export const fileRead = implement(
  commands.fileRead,
  ({ stream, offset, path }, { parts, streams, rtoMs }) => {
    const { files } = parts;
    const file = files?.file(path);
    if (!file) return { status: files?.stat(path) ? Status.FAILED_PRECONDITION : Status.NOT_FOUND };
    if (offset > file.bytes.length) return { status: Status.OUT_OF_RANGE };
    return {
      status: streams.open([stream], rtoMs, ([sender]) => {
        let at = offset;
        return {
          room: undefined,
          take: () => {},
          end: () => {},
          pump() {
            // Files are replaced as a whole, so another object is another file.
            const changed = files?.file(path) !== file;
            if (!changed) at += sender?.write(file.bytes.subarray(at)) ?? 0;
            if (changed) sender?.finish({ status: Status.DATA_LOSS });
            else if (at === file.bytes.length) sender?.finish({ status: Status.OK });
          },
          closed: () => {},
        };
      }),
    };
  },
);

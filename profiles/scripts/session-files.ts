/** Files: what is committed, what is not, and what comes twice (SPEC §6.11–§6.14, §5.5). */
import { Capability, type CommandRow, commands, FileType, type Message, Status } from "../src/index.ts";
import {
  beat,
  credit,
  data,
  ended,
  hello,
  open,
  plainDevice,
  receive,
  request,
  response,
  type ScriptedDevice,
  type ScriptStep,
  type SessionScript,
  script,
  tick,
  welcome,
} from "./session-script.ts";

/** A device with files. */
const device: ScriptedDevice = {
  ...plainDevice,
  caps: plainDevice.caps | Capability.files,
  fileBytes: 64,
};
const joined: readonly ScriptStep[] = [
  open(0, { ...hello(1, 0, 0), caps: device.caps }),
  receive(10, welcome(1), beat(0)),
];

const ask = <Args>(
  id: number,
  row: Pick<CommandRow<Args, unknown>, "op" | "encodeRequest">,
  args: Args,
): Message => request(id, row.op, ...row.encodeRequest(args));
const write = (id: number, path: string, size: number | null, given: { stream?: number } = {}) =>
  ask(id, commands.fileWrite, { stream: given.stream ?? 1, size, mode: 0o640, path });
const read = (id: number, path: string, offset = 0) =>
  ask(id, commands.fileRead, { stream: 1, offset, path });
const stat = (id: number, path: string) => ask(id, commands.fileStat, { path });
const list = (id: number, path: string, from = 0) => ask(id, commands.fileList, { path, from });
const remove = (id: number, path: string) => ask(id, commands.fileRemove, { path });
const rename = (id: number, from: string, to: string) => ask(id, commands.fileRename, { from, to });

/** Steps that put a text at a path, by request `id` at `at`. */
const put = (at: number, id: number, path: string, text: string) => [
  receive(at, write(id, path, text.length), response(id, Status.OK)),
  receive(at + 1, data(1, 0, text, ended), credit(1, text.length + 1, 128), data(1, 0, "", ended)),
  receive(at + 2, credit(1, 1, 512)),
];
/** Reading the file at this path gives this text. */
const holds = (at: number, id: number, path: string, text: string) => [
  receive(at, read(id, path), response(id, Status.OK), data(1, 0, text, ended)),
  receive(at + 1, credit(1, text.length + 1, 512)),
];

const scripts: readonly (readonly [string, string, Parameters<typeof script>[2]])[] = [
  [
    "a file is there with its commit, with mode, time, and its directory",
    "§6.11 §6.12 §6.13",
    [
      ...joined,
      receive(20, stat(1, "/d/a"), response(1, Status.NOT_FOUND)),
      receive(30, write(2, "/d/a", 5), response(2, Status.OK)),
      receive(40, data(1, 0, "hel"), credit(1, 3, 128)),
      receive(50, stat(3, "/d/a"), response(3, Status.NOT_FOUND)),
      receive(60, data(1, 3, "lo", ended), credit(1, 6, 128), data(1, 0, "", ended)),
      receive(70, credit(1, 1, 512)),
      // The clock was set to 1,000,000.005 s at 10.
      receive(80, stat(4, "/d/a"), response(4, Status.OK, FileType.file, 5, 0o640, [1_000_000, 55])),
      receive(90, list(5, "/"), response(5, Status.OK, 1, [["d", FileType.directory, 0, 0o755]])),
      receive(100, list(6, "/d"), response(6, Status.OK, 1, [["a", FileType.file, 5, 0o640]])),
      receive(110, list(7, "/d", 1), response(7, Status.OK, 1, [])),
      receive(120, list(8, "/d/a"), response(8, Status.FAILED_PRECONDITION)),
      ...holds(130, 9, "/d/a", "hello"),
      receive(140, read(10, "/d/a", 3), response(10, Status.OK), data(1, 0, "lo", ended)),
      receive(150, credit(1, 3, 512)),
      receive(160, read(11, "/d/a", 5), response(11, Status.OK), data(1, 0, "", ended)),
      receive(170, credit(1, 1, 512)),
      receive(180, read(12, "/d/a", 6), response(12, Status.OUT_OF_RANGE)),
      receive(190, read(13, "/d"), response(13, Status.FAILED_PRECONDITION)),
      tick(9000),
    ],
  ],
  [
    "a write that is cancelled, or ends by another status than OK, leaves everything as it was",
    "§6.13",
    [
      ...joined,
      ...put(20, 1, "/a", "old"),
      receive(30, write(2, "/a", null), response(2, Status.OK)),
      receive(40, data(1, 0, "new"), credit(1, 3, 128)),
      receive(50, credit(1, 0, 0, Status.CANCELLED)),
      ...holds(60, 3, "/a", "old"),
      receive(70, write(4, "/a", 3), response(4, Status.OK)),
      receive(
        80,
        data(1, 0, "new", { status: Status.CANCELLED }),
        credit(1, 4, 128),
        data(1, 0, "", { status: Status.CANCELLED }),
      ),
      receive(90, credit(1, 1, 512)),
      ...holds(100, 5, "/a", "old"),
      tick(9000),
    ],
  ],
  [
    "a file of another size than was said is DATA_LOSS, and is not there",
    "§6.13",
    [
      ...joined,
      receive(20, write(1, "/a", 3), response(1, Status.OK)),
      receive(30, data(1, 0, "ab", ended), credit(1, 3, 128), data(1, 0, "", { status: Status.DATA_LOSS })),
      receive(40, credit(1, 1, 512)),
      receive(50, write(2, "/a", 3), response(2, Status.OK)),
      receive(60, data(1, 0, "abcd"), credit(1, 4, 128), data(1, 0, "", { status: Status.DATA_LOSS })),
      receive(70, credit(1, 1, 512)),
      receive(80, stat(3, "/a"), response(3, Status.NOT_FOUND)),
      tick(9000),
    ],
  ],
  [
    "a file of all the room there is fits, one byte more is refused at once, and other faults by their names",
    "§6.11 §6.13 §6.14",
    [
      ...joined,
      receive(20, write(1, "/a", 65), response(1, Status.RESOURCE_EXHAUSTED)),
      ...put(30, 2, "/a", "0123456789abcdef".repeat(4)),
      receive(40, write(3, "/b", 1), response(3, Status.RESOURCE_EXHAUSTED)),
      receive(50, write(4, "/a/b", 0), response(4, Status.FAILED_PRECONDITION)),
      receive(60, write(5, "/", 0), response(5, Status.FAILED_PRECONDITION)),
      receive(70, remove(6, "/b"), response(6, Status.NOT_FOUND)),
      receive(80, remove(7, "/"), response(7, Status.FAILED_PRECONDITION)),
      receive(90, rename(8, "/b", "/c"), response(8, Status.NOT_FOUND)),
      receive(100, rename(9, "/a", "/a/b"), response(9, Status.FAILED_PRECONDITION)),
      receive(110, rename(10, "/a", "/a"), response(10, Status.OK)),
      receive(120, remove(11, "/a"), response(11, Status.OK)),
      receive(130, list(12, "/"), response(12, Status.OK, 0, [])),
      tick(9000),
    ],
  ],
  [
    "a removal that comes again is answered again, and removes no file that came after it",
    "§5.5 §6.14",
    [
      ...joined,
      ...put(20, 1, "/a", "old"),
      receive(30, remove(2, "/a"), response(2, Status.OK)),
      receive(40, remove(2, "/a"), response(2, Status.OK)),
      ...put(50, 3, "/a", "new"),
      // Older than the recorded one: it is not even answered.
      receive(60, remove(2, "/a")),
      ...holds(70, 4, "/a", "new"),
      tick(9000),
    ],
  ],
  [
    "a rename replaces a file whole, and one that comes again changes nothing",
    "§5.5 §6.14",
    [
      ...joined,
      ...put(20, 1, "/a", "one"),
      ...put(30, 2, "/b", "two"),
      receive(40, rename(3, "/b", "/a"), response(3, Status.OK)),
      receive(50, rename(3, "/b", "/a"), response(3, Status.OK)),
      receive(60, stat(4, "/b"), response(4, Status.NOT_FOUND)),
      ...holds(70, 5, "/a", "two"),
      tick(9000),
    ],
  ],
];

export const files: readonly SessionScript[] = scripts.map(([name, spec, steps]) =>
  script(name, spec, steps, device),
);

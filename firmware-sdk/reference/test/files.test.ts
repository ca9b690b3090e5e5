import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { commands, FileType, Status } from "@motelet/profiles";
import { FileStore, type FileStoreLimits } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

function deviceWith(storeLimits: FileStoreLimits = { totalBytes: 100_000, files: 8 }, settings = {}) {
  const files = new FileStore(storeLimits);
  const device = new BenchSession({ files }, settings);
  const begin = (path: string, size: number | null, mode = 0o644, stream = 1) => {
    device.streams.delete(stream);
    return device.request(commands.fileWrite, { stream, size, mode, path }).status;
  };
  /** @returns the status of the response, or that of the stream's end */
  const write = (path: string, text: string, size: number | null = Buffer.byteLength(text), mode = 0o644) => {
    const status = begin(path, size, mode);
    if (status !== Status.OK) return status;
    device.write(1, text);
    device.endInput(1);
    return device.stream(1).end?.status;
  };
  const read = (path: string, offset = 0) => {
    device.streams.delete(1);
    const { status } = device.request(commands.fileRead, { stream: 1, offset, path });
    return status === Status.OK ? device.stream(1).text : status;
  };
  const list = (path: string, from = 0) => device.request(commands.fileList, { path, from });
  const stat = (path: string) => device.request(commands.fileStat, { path });
  const remove = (path: string) => device.request(commands.fileRemove, { path }).status;
  const rename = (from: string, to: string) => device.request(commands.fileRename, { from, to }).status;
  return { device, files, begin, write, read, list, stat, remove, rename };
}

suite("files of a device (SPEC §6.11–§6.14)", () => {
  test("a file is written whole, with its mode and the device's time, and read from any offset", () => {
    const { write, read, stat } = deviceWith();
    assert.equal(write("/www/index.html", "hello", 5, 0o640), Status.OK);
    assert.equal(read("/www/index.html"), "hello");
    assert.equal(read("/www/index.html", 3), "lo");
    assert.equal(read("/www/index.html", 5), "");
    assert.equal(read("/www/index.html", 6), Status.OUT_OF_RANGE);
    const modified = { s: 1_000_000, ms: 500 };
    assert.deepEqual(stat("/www/index.html").result, { type: FileType.file, size: 5, mode: 0o640, modified });
    assert.deepEqual(stat("/www").result, { type: FileType.directory, size: 0, mode: 0o755, modified: null });
    assert.equal(stat("/").result?.type, FileType.directory);
    assert.equal(stat("/ww").status, Status.NOT_FOUND);
    assert.equal(stat("/www/index.html/x").status, Status.NOT_FOUND);
  });

  test("a file of which the size is not known beforehand is taken too, an empty one as well", () => {
    const { write, read, files } = deviceWith();
    const text = "0123456789".repeat(1_000);
    assert.equal(write("/a", text, null), Status.OK);
    assert.equal(read("/a"), text);
    assert.equal(write("/e", "", null), Status.OK);
    assert.equal(read("/e"), "");
    assert.equal(files.freeBytes, 90_000);
  });

  test("what is replaced stays until the new one is whole", () => {
    const { device, write, read, begin } = deviceWith();
    write("/a", "old");
    assert.equal(begin("/a", 3, 0o600, 2), Status.OK);
    device.write(2, "ne");
    assert.equal(read("/a"), "old");
    device.write(2, "w");
    assert.equal(read("/a"), "old");
    device.endInput(2);
    assert.equal(device.stream(2).end?.status, Status.OK);
    assert.equal(read("/a"), "new");
  });

  test("another number of bytes than announced is DATA_LOSS and changes nothing", () => {
    const { write, read, files } = deviceWith();
    write("/a", "old");
    assert.equal(write("/a", "new and longer", 3), Status.DATA_LOSS);
    assert.equal(write("/a", "ne", 3), Status.DATA_LOSS);
    assert.equal(read("/a"), "old");
    assert.equal(files.freeBytes, 100_000 - 3);
  });

  test("a write that is cancelled, ended otherwise, or loses its session is abandoned", () => {
    const { device, begin, files } = deviceWith();
    begin("/a", 10);
    device.write(1, "12345");
    assert.equal(files.freeBytes, 99_990);
    device.cancel(1);
    assert.equal(files.freeBytes, 100_000);
    begin("/a", 10);
    device.endInput(1, Status.CANCELLED);
    assert.equal(device.stream(1).end?.status, Status.CANCELLED);
    begin("/a", 10);
    device.session.halt();
    assert.deepEqual([files.freeBytes, files.count], [100_000, 0]);
  });

  test("room is taken to the last byte, and one more is RESOURCE_EXHAUSTED at once or when it comes", () => {
    const { write, begin, device } = deviceWith({ totalBytes: 10, files: 8 });
    assert.equal(write("/a", "12345"), Status.OK);
    assert.equal(write("/b", "123456"), Status.RESOURCE_EXHAUSTED);
    assert.equal(write("/b", "123456", null), Status.RESOURCE_EXHAUSTED);
    assert.equal(write("/b", "12345", null), Status.OK);
    // What is replaced has its room until the new one is whole, as on flash.
    assert.equal(write("/a", "1"), Status.RESOURCE_EXHAUSTED);
    assert.equal(write("/a", ""), Status.OK);
    assert.equal(begin("/a", 5), Status.OK);
    assert.equal(begin("/c", 1, 0o644, 2), Status.RESOURCE_EXHAUSTED);
    device.cancel(1);
    assert.equal(begin("/c", 1, 0o644, 2), Status.OK);
  });

  test("as many files as the limit, and not one more, those being written included", () => {
    const { write, begin, remove } = deviceWith({ totalBytes: 100, files: 3 });
    assert.equal(write("/a", ""), Status.OK);
    assert.equal(write("/b", ""), Status.OK);
    assert.equal(begin("/c", 1, 0o644, 2), Status.OK);
    assert.equal(begin("/d", 1, 0o644, 3), Status.RESOURCE_EXHAUSTED);
    assert.equal(write("/a", "again"), Status.OK);
    assert.equal(remove("/a"), Status.OK);
    assert.equal(begin("/d", 1, 0o644, 3), Status.OK);
  });

  test("a file-write without a free stream is UNAVAILABLE, and gives its room back", () => {
    const { begin, files } = deviceWith(undefined, { streams: 1 });
    assert.equal(begin("/a", 10), Status.OK);
    assert.equal(begin("/b", 10, 0o644, 2), Status.UNAVAILABLE);
    assert.equal(files.freeBytes, 99_990);
  });

  test("a file-read without a free stream is RESOURCE_EXHAUSTED", () => {
    const { device, write, begin } = deviceWith(undefined, { streams: 1 });
    assert.equal(write("/a", "x"), Status.OK);
    assert.equal(begin("/b", 10), Status.OK);
    const { status } = device.request(commands.fileRead, { stream: 2, offset: 0, path: "/a" });
    assert.equal(status, Status.RESOURCE_EXHAUSTED);
  });

  test("a path below a file, and a directory in a file's place, are FAILED_PRECONDITION, also when it came to be meanwhile", () => {
    const { device, write, begin, rename, read, remove, files } = deviceWith();
    write("/a/b", "x");
    assert.equal(write("/a", "y"), Status.FAILED_PRECONDITION);
    assert.equal(write("/", "y"), Status.FAILED_PRECONDITION);
    assert.equal(write("/a/b/c", "y"), Status.FAILED_PRECONDITION);
    assert.equal(rename("/a/b", "/a"), Status.FAILED_PRECONDITION);
    assert.equal(rename("/a", "/c"), Status.FAILED_PRECONDITION);
    assert.equal(rename("/a/b", "/a/b/c"), Status.FAILED_PRECONDITION);
    assert.equal(read("/a"), Status.FAILED_PRECONDITION);
    assert.equal(remove("/a"), Status.FAILED_PRECONDITION);
    assert.equal(begin("/d/e", 0, 0o644, 2), Status.OK);
    assert.equal(write("/d", "y"), Status.OK);
    device.endInput(2);
    assert.equal(device.stream(2).end?.status, Status.FAILED_PRECONDITION);
    assert.equal(files.count, 2);
  });

  test("remove and rename do what they say, and NOT_FOUND is what is not there", () => {
    const { write, read, remove, rename, files } = deviceWith();
    write("/a", "aaa");
    write("/b/c", "bb");
    assert.equal(rename("/a", "/b/c"), Status.OK);
    assert.equal(read("/b/c"), "aaa");
    assert.equal(rename("/b/c", "/b/c"), Status.OK);
    assert.equal(rename("/a", "/x"), Status.NOT_FOUND);
    assert.equal(remove("/a"), Status.NOT_FOUND);
    assert.equal(remove("/b/c"), Status.OK);
    assert.deepEqual([files.count, files.freeBytes], [0, 100_000]);
  });

  test("a directory is listed in bytewise order, page by page, whatever the message holds", () => {
    const { write, list } = deviceWith({ totalBytes: 1_000, files: 40 }, { maxMessageBytes: 128 });
    // Above the surrogates in UTF-16, but not in UTF-8.
    const names = ["Z", "a", "\uffee", "\u{1f600}", ...Array.from({ length: 30 }, (_, index) => `n${index}`)];
    for (const name of names) write(`/${name}/deep`, "");
    const sorted = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const seen: string[] = [];
    for (let pages = 0; seen.length < names.length; pages++) {
      assert.ok(pages < 34);
      const { result } = list("/", seen.length);
      assert.equal(result?.total, 34);
      assert.ok(result.entries.length > 0);
      seen.push(...result.entries.map(({ name }) => name));
    }
    assert.deepEqual(seen, sorted);
    assert.deepEqual(list("/", 34).result, { total: 34, entries: [] });
    assert.deepEqual(list("/a").result?.entries, [
      { name: "deep", type: FileType.file, size: 0, mode: 0o644 },
    ]);
    assert.equal(list("/a/deep").status, Status.FAILED_PRECONDITION);
    assert.equal(list("/b").status, Status.NOT_FOUND);
  });

  test("a name that no message holds is OUT_OF_RANGE, and an empty root lists nothing", () => {
    const { files, list } = deviceWith(undefined, { maxMessageBytes: 128 });
    assert.deepEqual(list("/").result, { total: 0, entries: [] });
    const make = (length: number) => {
      const made = files.write(`/${"n".repeat(length)}`, 0, 0o644);
      assert.ok(typeof made !== "number" && made.commit(undefined) === Status.OK);
    };
    // Response and lists take 10 bytes of the message, the rest of the entry 8.
    make(110);
    assert.equal(list("/").result?.entries.length, 1);
    make(111);
    assert.equal(list("/").result?.entries.length, 1);
    assert.equal(list("/", 1).status, Status.OUT_OF_RANGE);
  });

  test("a file that is replaced while it is read ends with DATA_LOSS", () => {
    const { device, write, read } = deviceWith();
    write("/a", "x".repeat(50_000));
    device.streams.delete(3);
    device.stream(3).room = 100;
    assert.equal(device.request(commands.fileRead, { stream: 3, offset: 0, path: "/a" }).status, Status.OK);
    write("/a", "new");
    device.read(3);
    assert.equal(device.stream(3).end?.status, Status.DATA_LOSS);
    assert.equal(read("/a"), "new");
  });
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { builtInServices, echoPort, FileStore, Settings } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

const rounds = process.env.MOTELET_SOAK ? 10_000 : 200;

suite("a device whose gateway cuts off what it began", () => {
  test("keeps nothing of it, time after time", () => {
    const files = new FileStore({ totalBytes: 100_000, files: 8 });
    const kept = files.write("/kept", 5, 0o644);
    assert.ok(typeof kept !== "number" && kept.take(Buffer.from("12345")) === Status.OK);
    kept.commit(undefined);
    const device = new BenchSession({ files, services: builtInServices, settings: new Settings() });
    const begin = [
      () => device.request(commands.exec, { stream: 1, stderrStream: 2, flags: 1, argv: ["cat"] }),
      () => device.request(commands.exec, { stream: 1, stderrStream: 0, flags: 3, argv: ["top"] }),
      () => device.request(commands.console, { stream: 1 }),
      () => device.request(commands.dial, { stream: 1, port: echoPort }),
      () => device.request(commands.fileRead, { stream: 1, offset: 0, path: "/kept" }),
      () => device.request(commands.fileWrite, { stream: 1, size: 90_000, mode: 0o644, path: "/cut" }),
      () => device.request(commands.fileWrite, { stream: 1, size: null, mode: 0o644, path: "/cut" }),
    ];
    for (let round = 0; round < rounds; round++) {
      for (const [index, start] of begin.entries()) {
        device.streams.clear();
        // A reader that takes nothing, so that reading the file is in the middle too.
        device.stream(1).room = 0;
        assert.equal(start().status, Status.OK, `${round}, ${index}`);
        device.write(1, "x".repeat(2_000));
        device.cancel(1);
        const { openStreams, jobs } = device.session;
        assert.deepEqual([openStreams, jobs.size, files.freeBytes], [0, 0, 99_995], `${round}, ${index}`);
      }
    }
  });

  test("a command that nobody reads for hours keeps no more than its buffers", () => {
    const device = new BenchSession({ settings: new Settings() });
    device.stream(1).room = 0;
    const args = { stream: 1, stderrStream: 0, flags: 3, argv: ["top"] };
    assert.equal(device.request(commands.exec, args).status, Status.OK);
    device.advance(5_000_000);
    device.read(1);
    device.advance(60_000);
    const { length } = device.stream(1).bytes;
    assert.ok(length > 16_000 && length < 16_384 + 65_536 + 10_000, `${length} bytes`);
  });
});

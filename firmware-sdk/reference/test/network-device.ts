import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { suite, type TestContext, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import type { DeviceOptions, ReferenceDevice } from "../src/index.ts";

/** The identity of the device. */
export const identity = { wireId: "lamp", generation: 3, password: "secret" };

/** The end of the gateway, which knows the device's identity. */
export interface ServedNetwork extends AsyncDisposable {
  readonly port: number;
  /** Ends what was accepted; the device may come again. */
  cut(): void;
}

/** A carrier on 127.0.0.1 for the list of tests that is the same for all networks. */
export interface NetworkBed {
  readonly name: string;
  serve(gateway: SimulatedGateway, port?: number): Promise<ServedNetwork>;
  start(
    port: number,
    options?: { password?: string; random?: () => number } & Partial<DeviceOptions>,
  ): Promise<ReferenceDevice>;
  /** How the reason reads when the password is wrong. */
  readonly refusal: RegExp;
}

/** What a device does over every network. */
export function testNetworkDevice({ name, serve, start, refusal }: NetworkBed): void {
  suite(`a device over ${name}`, () => {
    const deviceOn = async (t: TestContext, port: number) => {
      const device = await start(port, { board: "test", seed: 1 });
      t.after(() => device.stop());
      return device;
    };

    test("joins after its subscription, beats, and has its log stored", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const device = await deviceOn(t, server.port);
      device.log("hello world");
      await until("the log is stored", () => gateway.lines.includes("hello world"));
      assert.equal(device.state, "online");
      assert.equal(gateway.received[0]?.kind, "hello");
      const beat = gateway.received.find((message) => message.kind === "beat");
      assert.ok(beat?.kind === "beat" && beat.rssiDbm !== undefined && beat.temperatureC !== undefined);
    });

    test("runs commands with output, errors and exit codes", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const device = await deviceOn(t, server.port);
      await until("online", () => device.state === "online");
      const echo = await gateway.exec(["echo", "hi", "there"]);
      assert.deepEqual([echo.stdout.toString(), echo.exitCode], ["hi there\n", 0]);
      assert.equal((await gateway.exec(["exit", "7"])).exitCode, 7);
      const unknown = await gateway.exec(["foo"], undefined, { withStderr: true });
      assert.deepEqual([unknown.stderr.toString(), unknown.exitCode], ["foo: not found\n", 127]);
      const info = await gateway.request(commands.info.op, []);
      assert.equal(info.status, Status.OK);
    });

    test("returns 1 MB through cat unchanged within seconds", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const device = await deviceOn(t, server.port);
      await until("online", () => device.state === "online");
      const stdin = randomBytes(1_000_000);
      const startedMs = performance.now();
      const { stdout, exitCode } = await gateway.exec(["cat"], stdin);
      const tookMs = performance.now() - startedMs;
      assert.ok(stdout.equals(stdin));
      assert.equal(exitCode, 0);
      t.diagnostic(`1 MB both ways in ${Math.round(tookMs)} ms`);
      // One or two where the machine is idle.
      assert.ok(tookMs < 60_000);
    });

    test("is back soon after the gateway's return, in the same session, and loses no report", async (t) => {
      const gateway = new SimulatedGateway();
      let server = await serve(gateway);
      const { port } = server;
      const device = await deviceOn(t, port);
      await until("online", () => device.state === "online");
      await server[Symbol.asyncDispose]();
      await until("gone", () => device.state !== "online");
      device.log("said while the gateway was away");
      server = await serve(gateway, port);
      await using _server = server;
      const startedMs = performance.now();
      await until("online again", () => device.state === "online", 10_000);
      t.diagnostic(`back after ${Math.round(performance.now() - startedMs)} ms`);
      await until("stored", () => gateway.lines.includes("said while the gateway was away"));
      const hellos = gateway.received.filter((message) => message.kind === "hello");
      assert.equal(hellos.at(-1)?.sid, 1);
    });

    test("stays online on the carrier's own proof of life alone", async (t) => {
      const gateway = new SimulatedGateway({ heartbeatS: 1 });
      await using server = await serve(gateway);
      const device = await deviceOn(t, server.port);
      await until("online", () => device.state === "online");
      await until("stored", () => device.waitingReports === 0);
      gateway.mute();
      const beats = () => gateway.received.filter(({ kind }) => kind === "beat").length;
      await until("5 beats", () => beats() >= 6, 30_000);
      assert.equal(gateway.received.filter(({ kind }) => kind === "hello").length, 1);
    });

    test("reboots when told to: a new boot, and the answer first", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const device = await deviceOn(t, server.port);
      await until("online", () => device.state === "online");
      const { boot } = device;
      const response = await gateway.request(commands.reboot.op, []);
      assert.equal(response.status, Status.OK);
      await until("a new boot", () => device.boot === boot + 1 && device.state === "online");
      const hello = gateway.received.findLast((message) => message.kind === "hello");
      assert.deepEqual([hello?.boot, hello?.sid, hello?.resetCause], [boot + 1, 0, 3]);
    });

    test("says why it is offline when its password is wrong, and goes on trying", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const reasons: string[] = [];
      const device = await start(server.port, {
        password: "wrong",
        onState: (_state, reason) => reasons.push(reason),
      });
      t.after(() => device.stop());
      await until("refused", () => reasons.some((reason) => refusal.test(reason)));
      assert.equal(gateway.received.length, 0);
    });

    test("comes back ever more slowly when it is accepted and then cut, as by another board with its identity", async (t) => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const openedMs: number[] = [];
      const cutMs: number[] = [];
      const device = await start(server.port, {
        random: () => 1,
        onState: (state) => {
          if (state !== "online") return;
          openedMs.push(performance.now());
          // Accepted, and then cut.
          setImmediate(() => {
            cutMs.push(performance.now());
            server.cut();
          });
        },
      });
      t.after(() => device.stop());
      await until("five connections", () => openedMs.length === 5, 20_000);
      const waitsMs = cutMs.slice(0, 4).map((atMs, index) => (openedMs[index + 1] as number) - atMs);
      t.diagnostic(`waited ${waitsMs.map(Math.round).join(", ")} ms`);
      for (const [index, minMs] of [250, 500, 1_000, 2_000].entries())
        assert.ok((waitsMs[index] as number) > minMs - 5, `${waitsMs} ms`);
    });

    test("says goodbye when it is stopped", async () => {
      const gateway = new SimulatedGateway();
      await using server = await serve(gateway);
      const device = await start(server.port);
      await until("online", () => device.state === "online");
      await device.stop();
      await until("bye", () => gateway.received.at(-1)?.kind === "bye");
    });
  });
}

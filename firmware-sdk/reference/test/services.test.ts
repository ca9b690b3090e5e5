import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { echoPort, echoService, type Services, tcpService } from "../src/index.ts";
import { BenchSession } from "./bench-session.ts";

const echo: Services = new Map([[echoPort, echoService]]);

/** A server on loopback, and what is connected to it. */
async function serverFor(t: TestContext, serve: (socket: Socket) => void): Promise<Services> {
  const server = createServer({ allowHalfOpen: true }, serve);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return new Map([[80, tcpService({ host: "127.0.0.1", port: address.port })]]);
}

async function dial(device: BenchSession, port: number, stream = 1): Promise<number | undefined> {
  const response = device.ask(commands.dial, { stream, port });
  if (response) return response.status;
  await until("an answer", () => device.lastResponse !== undefined);
  return device.lastResponse?.status;
}

suite("dial (SPEC §6.10)", () => {
  test("the echo service returns what it gets, and ends when its input does", async () => {
    const device = new BenchSession({ services: echo });
    assert.equal(await dial(device, echoPort), Status.OK);
    const text = "0123456789".repeat(5_000);
    device.write(1, text);
    assert.equal(device.stream(1).text, text);
    device.endInput(1);
    assert.deepEqual(device.stream(1).end, { status: Status.OK });
    assert.equal(device.session.openStreams, 0);
  });

  test("echoes no more than its reader takes", async () => {
    const device = new BenchSession({ services: echo });
    await dial(device, echoPort);
    device.stream(1).room = 0;
    device.write(1, "x".repeat(100_000));
    device.advance(60_000);
    assert.ok(device.stream(1).ackedBytes < 40_000);
    device.read(1);
    device.advance(60_000);
    assert.equal(device.stream(1).bytes.length, 100_000);
  });

  test("what is not there is NOT_FOUND, what does not answer UNAVAILABLE and leaves no stream", async (t) => {
    const services = await serverFor(t, () => {});
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const address = closed.address();
    assert.ok(address !== null && typeof address === "object");
    closed.close();
    await once(closed, "close");
    const refusing: Services = new Map([
      ...services,
      [81, tcpService({ host: "127.0.0.1", port: address.port })],
    ]);
    const device = new BenchSession({ services: refusing });
    assert.equal(await dial(device, 82), Status.NOT_FOUND);
    assert.equal(await dial(device, 81), Status.UNAVAILABLE);
    assert.equal(device.session.openStreams, 0);
  });

  test("without a free stream it is RESOURCE_EXHAUSTED", async () => {
    const device = new BenchSession({ services: echo }, { streams: 1 });
    assert.equal(await dial(device, echoPort), Status.OK);
    assert.equal(await dial(device, echoPort, 2), Status.RESOURCE_EXHAUSTED);
  });

  test("a TCP service gets everything and its end, and may go on answering after it", async (t) => {
    const services = await serverFor(t, (socket) => {
      let bytes = 0;
      socket.on("data", (chunk) => {
        bytes += chunk.length;
      });
      socket.on("end", () => socket.end(`${bytes} bytes`));
    });
    const device = new BenchSession({ services });
    assert.equal(await dial(device, 80), Status.OK);
    device.write(1, "x".repeat(300_000));
    device.endInput(1);
    await until("its end", () => device.stream(1).end !== undefined);
    assert.deepEqual([device.stream(1).text, device.stream(1).end], ["300000 bytes", { status: Status.OK }]);
  });

  test("a TCP service that sends more than is read is held up, and loses nothing", async (t) => {
    const text = "0123456789".repeat(100_000);
    let sent = false;
    const services = await serverFor(t, (socket) => {
      socket.end(text, () => {
        sent = true;
      });
    });
    const device = new BenchSession({ services });
    device.stream(1).room = 0;
    assert.equal(await dial(device, 80), Status.OK);
    device.read(1);
    await until("its end", () => device.stream(1).end !== undefined);
    assert.ok(sent);
    assert.equal(device.stream(1).text, text);
  });

  test("a connection that breaks ends with ABORTED, and a cancelled stream breaks the connection", async (t) => {
    const connected: Socket[] = [];
    const services = await serverFor(t, (socket) => {
      socket.on("error", () => {});
      connected.push(socket);
      socket.on("data", () => socket.resetAndDestroy());
    });
    const device = new BenchSession({ services });
    await dial(device, 80);
    device.write(1, "x");
    await until("its end", () => device.stream(1).end !== undefined);
    assert.deepEqual(device.stream(1).end, { status: Status.ABORTED });
    await dial(device, 80, 2);
    device.cancel(2);
    await until("the close", () => connected[1]?.closed === true || connected[1]?.readableEnded === true);
    connected[1]?.destroy();
  });

  test("a repeated dial that is still being answered connects once", async (t) => {
    let connections = 0;
    const services = await serverFor(t, () => {
      connections++;
    });
    const device = new BenchSession({ services });
    const request = { kind: "request", id: 1, op: commands.dial.op, args: [1, 80] } as const;
    assert.equal(device.ask(commands.dial, { stream: 1, port: 80 }), undefined);
    device.give(request);
    device.give(request);
    await until("an answer", () => device.lastResponse !== undefined);
    device.give(request);
    assert.deepEqual(
      [device.lastResponse?.status, device.session.openStreams, connections],
      [Status.OK, 1, 1],
    );
  });
});

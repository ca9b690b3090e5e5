import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { SpdyClient } from "../../../test/fakes/spdy-client.ts";
import type { TimeoutReason } from "../idle-timer.ts";
import { openDefaults } from "./opener.ts";
import { chooseSpdy } from "./spdy.ts";

const deadline = { timeout: 60_000 };
const offered = ["v4.channel.k8s.io"];
const wanted = { tty: false, stdin: false, stdout: true, stderr: false };

/** A session that is being opened by a client that has read the 101. */
async function opening() {
  const clock = new ManualClock();
  const [far, socket] = duplexPair();
  const request = { headersDistinct: { "x-stream-protocol-version": offered } } as unknown as IncomingMessage;
  const timeouts: TimeoutReason[] = [];
  const session = chooseSpdy(request).open({ request, socket, head: new Uint8Array(0) }, wanted, {
    clock,
    onProtocolError: (error) => assert.fail(error),
    onCrowd: () => assert.fail("there are few streams"),
    onTimeout: (reason) => timeouts.push(reason),
  });
  session.catch(() => undefined);
  const head = await new Promise<Buffer>((resolve) => far.once("data", resolve));
  assert.match(head.toString(), /^HTTP\/1\.1 101 /);
  return { clock, session, timeouts, client: new SpdyClient(far, new Uint8Array(0)) };
}

test("a client that has opened all of its streams but one in 30 s is given up", deadline, async () => {
  const { clock, session, timeouts, client } = await opening();
  await client.open("error");
  clock.advance(openDefaults.creationTimeoutMs);
  await assert.rejects(session, { code: "STREAMS_LATE" });
  await client.closed;
  assert.deepEqual(timeouts, ["STREAMS_LATE"]);
});

test("a client whose last stream comes a millisecond before is served", deadline, async () => {
  const { clock, session, timeouts, client } = await opening();
  await client.open("error");
  clock.advance(openDefaults.creationTimeoutMs - 1);
  await client.open("stdout");
  const { streams } = await session;
  clock.advance(1);
  await streams.stdout?.write(Buffer.from("served"));
  assert.deepEqual(timeouts, []);
  client.socket.destroy();
});

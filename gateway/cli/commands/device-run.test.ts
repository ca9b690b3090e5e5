import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { suite, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { decodeMessage, FrameDecoder, type Message } from "@motelet/profiles";
import { FaultyLink, OptionError } from "@motelet/reference";
import { formatSummary, planDevices } from "./device-run.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "motelet-cli-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function motelet(t: TestContext, ...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, ["--conditions=motelet-source", main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Everything that a stream says until it matches. */
async function said(stream: Readable, expected: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (expected.test(text)) return text;
  }
  throw new Error(`ended without ${expected}: ${text}`);
}

suite("motelet device run", () => {
  test("plans as many devices as --count says, and no more than there are", async (t) => {
    const identities = join(await directoryFor(t), "identities.yaml");
    await writeFile(identities, "- {wireId: a, password: x}\n- {wireId: b, password: y, board: nano}\n");
    const options = { mqtt: "mqtt://127.0.0.1:1", identities, generation: 1 };
    assert.deepEqual(
      (await planDevices({ ...options, count: 2 })).map(({ name }) => name),
      ["a", "b"],
    );
    assert.equal((await planDevices({ ...options, count: 1 })).length, 1);
    assert.equal((await planDevices(options))[1]?.board, "nano");
    await assert.rejects(planDevices({ ...options, count: 3 }), OptionError);
  });

  test("wants one carrier and, on a network, an identity", async () => {
    const one = /give one of --mqtt, --coap and --serial/;
    await assert.rejects(planDevices({ generation: 1 }), one);
    await assert.rejects(planDevices({ mqtt: "mqtt://x", serial: "unix:/x", generation: 1 }), one);
    await assert.rejects(planDevices({ mqtt: "mqtt://x", coap: "coap://x", generation: 1 }), one);
    await assert.rejects(planDevices({ coap: "coap://x", generation: 1 }), /--identities, or --wire-id/);
    await assert.rejects(planDevices({ mqtt: "mqtt://x", generation: 1 }), /--identities, or --wire-id/);
  });

  test("plans a fleet over CoAP, and refuses a URL that is none", async (t) => {
    const identities = join(await directoryFor(t), "identities.yaml");
    await writeFile(identities, "- {wireId: a, password: x}\n- {wireId: b, password: y}\n");
    const plans = await planDevices({ coap: "coap://127.0.0.1:1", identities, generation: 1 });
    assert.deepEqual(
      plans.map(({ name, link }) => [name, link.carrier]),
      [
        ["a", "coap"],
        ["b", "coap"],
      ],
    );
    for (const coap of ["mqtt://127.0.0.1:1", "127.0.0.1", "coap://", "coap://host/path", "coap://host?a=b"])
      await assert.rejects(planDevices({ coap, identities, generation: 1 }), /CoAP URL ".*": expected coap:/);
  });

  test("gives every device of a fleet a faulty link of its own where faults are wished", async (t) => {
    const identities = join(await directoryFor(t), "identities.yaml");
    await writeFile(identities, "- {wireId: a, password: x}\n- {wireId: b, password: y}\n");
    const options = { mqtt: "mqtt://127.0.0.1:1", identities, generation: 1 };
    const faulty = await planDevices({ ...options, faults: "drop=0.2", seed: 1 });
    assert.ok(faulty.every(({ link }) => link instanceof FaultyLink));
    assert.ok((await planDevices(options)).every(({ link }) => !(link instanceof FaultyLink)));
    await assert.rejects(planDevices({ ...options, faults: "drop=2" }), OptionError);
  });

  test("keeps files in a folder of each device's name, and dials what --service says", async (t) => {
    const files = await directoryFor(t);
    const options = { serial: "unix:/x", generation: 1, name: "a/lamp", files };
    const [plan] = await planDevices({ ...options, service: ["8080=127.0.0.1:80", "53=[::1]:53"] });
    assert.equal(plan?.filesFolder, join(files, "a_lamp"));
    assert.deepEqual([...(plan?.services?.keys() ?? [])], [8080, 53]);
    for (const wrong of [
      "80",
      "0=127.0.0.1:80",
      "65536=127.0.0.1:80",
      "80=127.0.0.1:0",
      "80=::1:80",
      "80=:80",
    ])
      await assert.rejects(planDevices({ ...options, service: [wrong] }), /service ".*": expected <port>=/);
  });

  test("sums up what happened in two lines", () => {
    const counts = { drop: 7, delay: 0, duplicate: 0, corrupt: 0, freeze: 0, reset: 1 };
    const traffic = { messagesOut: 40, messagesIn: 20, reconnects: 1, bytesOut: 900, bytesIn: 300 };
    assert.equal(
      formatSummary({ devices: 2, online: 1, failed: 0, ...traffic, faults: counts }),
      "2 devices, 1 online, 1 reconnects, faults injected: 7 drop, 1 reset\n40 messages out and 20 in, 900 bytes out and 300 in\n",
    );
    assert.match(
      formatSummary({ devices: 2, online: 1, failed: 1, ...traffic, faults: counts }),
      /^2 devices, 1 online, 1 failed, 1 reconnects/,
    );
  });

  test("says what is wrong with its options in one line and exits 64", { timeout: 60_000 }, async (t) => {
    const child = motelet(t, "device", "run", "--serial", "tcp:1");
    const [text, [code]] = await Promise.all([said(child.stderr, /\n/), once(child, "exit")]);
    assert.match(text, /^motelet device run: serial address "tcp:1": expected unix:\/path or pty:\/path\n$/);
    assert.equal(code, 64);
  });

  test("serves a serial line until SIGTERM", { timeout: 60_000 }, async (t) => {
    const directory = await directoryFor(t);
    const path = join(directory, "lamp.sock");
    const child = motelet(
      t,
      "device",
      "run",
      "--serial",
      `unix:${path}`,
      "--name",
      "lamp",
      "--state-dir",
      directory,
    );
    await said(child.stdout, /lamp: offline \(started\)\n/);
    const { messages, closed } = await listenOn(path);
    await said(child.stdout, /lamp: greeting \(link opened\)\n/);
    child.kill("SIGTERM");
    const [[code]] = await Promise.all([once(child, "exit"), closed]);
    assert.equal(code, 0);
    assert.deepEqual(
      messages.map((message) => message.kind === "hello" && message.boot),
      [1],
    );
  });
});

/** Connects once the socket is there, and collects messages until it closes. */
async function listenOn(path: string): Promise<{ messages: Message[]; closed: Promise<unknown> }> {
  const messages: Message[] = [];
  const decoder = new FrameDecoder({ maxMessageBytes: 1024 });
  for (let attempt = 0; ; attempt++) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
    } catch (error) {
      if (attempt > 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    socket.on("data", (bytes) => {
      for (const item of decoder.push(bytes, performance.now()))
        if (item.kind === "message") messages.push(decodeMessage(item.bytes).message);
    });
    return { messages, closed: once(socket, "close") };
  }
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { commandByOp, commands, decodeMessage, statusName } from "@motelet/profiles";
import type { GatewayScript, GatewayStep, Line } from "../../profiles/scripts/session-gateway-script.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { Session } from "../src/session/session.ts";
import type { SessionEvents } from "../src/session/session-events.ts";
import { sessionMeters } from "../src/session/session-meters.ts";
import { SessionRecords } from "../src/session/session-record.ts";
import type { Stream } from "../src/session/stream.ts";
import { openStore } from "../src/store/store.ts";
import type { Channel } from "../src/transport/channel.ts";
import { ManualClock } from "./fakes/manual-clock.ts";

type Sent = GatewayStep["send"];

const device = "lamp";
const file = new URL("../../profiles/vectors/session-gateway.json", import.meta.url);
const { scripts } = JSON.parse(readFileSync(file, "utf8")) as { scripts: readonly GatewayScript[] };

suite("scripted sessions", () => {
  assert.ok(scripts.length > 0);
  for (const script of scripts) {
    assert.equal(script.machine, "gateway");
    test(`${script.name} (${script.spec})`, () => play(script));
  }
});

async function play({ gateway, steps }: GatewayScript): Promise<void> {
  const bed = new Bed(gateway);
  for (const step of steps) {
    const where = `the step at ${step.at}`;
    // What comes due at the very time of an input comes before it.
    await bed.advanceTo(step.at - 1);
    assert.deepEqual(readable(bed.takeSent()), {}, `sent before ${where}`);
    assert.deepEqual(bed.takeEffects(), [], `told before ${where}`);
    await bed.advanceTo(step.at);
    bed.give(step);
    await bed.settle();
    const sent = bed.takeSent();
    assert.deepEqual(readable(sent), readable(step.send), where);
    assert.deepEqual(sent, step.send, where);
    assert.deepEqual(bed.takeEffects(), [...(step.effects ?? [])].sort(), where);
  }
}

const messageOf = (hex: string) => decodeMessage(Buffer.from(hex, "hex")).message;
const readable = (sent: Sent) =>
  Object.fromEntries(Object.entries(sent).map(([line, messages]) => [line, messages.map(messageOf)]));
/** Ops whose first argument is a stream. */
const streamed: readonly number[] = [commands.console.op, commands.fileWrite.op];
const nameOf = (op: number) => commandByOp(op)?.name ?? `op ${op}`;

/** A gateway's session with its store and lines. Not done: admission, every hello is admitted. */
class Bed {
  readonly #gateway: GatewayScript["gateway"];
  readonly #clock: ManualClock;
  readonly #store;
  readonly #records: SessionRecords;
  readonly #channelIds = new Map<Line, number>();
  #sent: Partial<Record<Line, string[]>> = {};
  #effects: string[] = [];
  #session: Session;
  #stream: Stream | undefined;

  constructor(gateway: GatewayScript["gateway"]) {
    this.#gateway = gateway;
    this.#clock = new ManualClock(gateway.wallS * 1000);
    const metrics = new Metrics();
    this.#store = openStore({ path: ":memory:", metrics, clock: this.#clock, commitSpacingMs: 0 });
    this.#records = new SessionRecords(this.#store.keyValues);
    this.#session = this.#start();
  }

  async advanceTo(atMs: number): Promise<void> {
    const byMs = atMs - this.#clock.monotonicMs();
    if (byMs <= 0) return;
    this.#clock.advance(byMs);
    await this.settle();
  }

  give(step: GatewayStep): void {
    const channelId = step.on && this.#channelIds.get(step.on);
    if (step.open && step.on) this.#open(step.on);
    if (step.close && step.on && channelId !== undefined) {
      this.#channelIds.delete(step.on);
      this.#session.detach(channelId);
    }
    if (step.receive !== undefined) {
      assert.ok(channelId !== undefined, "the line is not open");
      const message = messageOf(step.receive);
      if (message.kind === "hello") this.#session.greet(channelId, message);
      else this.#session.receive(channelId, message);
    }
    if (step.call !== undefined) void this.#call(step.call);
    if (step.write !== undefined) void this.#stream?.write(Buffer.from(step.write));
    if (step.endInput) void this.#stream?.endInput();
    if (step.cancel) this.#stream?.cancel();
    if (step.restart) this.#restart();
    if (step.end) this.#session.end(step.end);
  }

  /** Lets everything be stored; a write may lead to another one. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#store.database.flush();
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  takeSent(): Sent {
    const sent = this.#sent;
    this.#sent = {};
    return sent;
  }

  takeEffects(): readonly string[] {
    return this.#effects.splice(0).sort();
  }

  #start(): Session {
    const effects = this.#effects;
    const events: SessionEvents = {
      began: () => undefined,
      confirmed: () => undefined,
      lost: (why) => void effects.push(`lost ${why}`),
      effectUnknown: (op) => void effects.push(`unknown ${nameOf(op)}`),
      asleep: (seconds) => void effects.push(`asleep ${seconds}`),
      beat: () => undefined,
      report: () => undefined,
      storedSeq: () => 0,
    };
    return new Session({
      device,
      records: this.#records,
      clock: this.#clock,
      random32: () => (this.#records.get(device)?.sid ?? 6) + 1,
      heartbeatS: this.#gateway.heartbeatS,
      events,
      meters: sessionMeters(new Metrics()),
    });
  }

  /** As after a crash: who waited for something is not told. */
  #restart(): void {
    const before = this.#session;
    this.#effects = [];
    this.#channelIds.clear();
    before[Symbol.dispose]();
    this.#session = this.#start();
  }

  async #call(hex: string): Promise<void> {
    const message = messageOf(hex);
    assert.ok(message.kind === "request");
    const effects = this.#effects;
    if (streamed.includes(message.op)) this.#openStream(Number(message.args[0]));
    const { status } = await this.#session.call(message.op, message.args);
    effects.push(`${nameOf(message.op)} ${statusName(status)}`);
  }

  #openStream(id: number): void {
    const effects = this.#effects;
    const stream = this.#session.openStream({ what: "a script", sinceMs: 0 });
    assert.ok(stream);
    assert.equal(stream.id, id, "the stream's id");
    this.#stream = stream;
    void (async () => {
      for await (const bytes of stream.read()) effects.push(`${id} read ${Buffer.from(bytes).toString()}`);
      effects.push(`${id} ended ${statusName((await stream.ended).status)}`);
    })();
  }

  #open(line: Line): void {
    const channel: Channel = {
      carrier: line,
      peer: "script",
      peerAddress: "script",
      identity:
        line === "serial"
          ? { kind: "port", port: "pty:lamp" }
          : { kind: "wire-id", wireId: "lamp", generation: 1 },
      maxMessageBytes: 1024,
      rtoMs: this.#gateway.rtoMs[line],
      acksBeats: line === "serial",
      demandsHello: line === "serial",
      send: (bytes) => {
        const sent = (this.#sent[line] ??= []);
        sent.push(Buffer.from(bytes).toString("hex"));
        return true;
      },
      close: () => undefined,
    };
    this.#channelIds.set(line, this.#session.attach(channel));
  }
}

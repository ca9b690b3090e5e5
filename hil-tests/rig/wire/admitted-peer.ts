import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Packet, parser } from "mqtt-packet";
import { RigError } from "../errors.ts";
import type { WireIdentity } from "../installation.ts";
import { mqttConnect, mqttPacket, mqttSubscribe } from "./attacks.ts";

/** A gateway that is under attack on a busy machine takes its time. */
const patienceMs = 60_000;
const pingRequest = mqttPacket(0xc0);

/**
 * Somebody on a connection of his own whom the gateway has let in. Each step waits for the gateway's answer, however long that
 * takes, so that what follows does not depend on who else is at it.
 */
export class AdmittedPeer implements Disposable {
  readonly #socket: Socket;
  readonly #closed: Promise<undefined>;
  readonly #waiting: ((packet: Packet) => void)[] = [];

  private constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("error", () => {});
    this.#closed = new Promise((resolve) => void this.#socket.once("close", () => resolve(undefined)));
    const answers = parser({ protocolVersion: 4 });
    answers.on("error", (error) => this.#socket.destroy(error));
    // What the gateway says of its own accord, a welcome or a request, is no answer.
    answers.on("packet", (packet) => {
      if (packet.cmd !== "publish") this.#waiting.shift()?.(packet);
    });
    this.#socket.on("data", (bytes: Buffer) => void answers.parse(bytes));
  }

  /** @throws RigError REFUSED if the gateway does not let it in */
  static async enter(port: number, identity: WireIdentity): Promise<AdmittedPeer> {
    const peer = new AdmittedPeer(port);
    const answer = await peer.#ask(mqttConnect(identity));
    if (answer?.cmd !== "connack" || answer.returnCode)
      throw new RigError(
        "REFUSED",
        `${identity.wireId} was not let in: ${JSON.stringify(answer ?? "closed")}`,
      );
    return peer;
  }

  /** @returns what was granted, 0x80 for each refused filter; undefined: the gateway closed the connection instead */
  async subscribe(filters: readonly string[]): Promise<readonly unknown[] | undefined> {
    const answer = await this.#ask(mqttSubscribe(filters));
    return answer?.cmd === "suback" ? answer.granted : undefined;
  }

  say(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Waits until the gateway has handled all that was said. @returns false where it closed the connection */
  async handled(): Promise<boolean> {
    return (await this.#ask(pingRequest)) !== undefined;
  }

  /** Waits until the gateway has closed the connection. @throws RigError DEADLINE_PASSED */
  async shownOut(): Promise<void> {
    await inTime(this.#closed, "the gateway to close the connection");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** @returns the next answer; undefined: the connection was closed */
  #ask(bytes: Uint8Array): Promise<Packet | undefined> {
    const answered = new Promise<Packet>((resolve) => void this.#waiting.push(resolve));
    this.#socket.write(bytes);
    return inTime(Promise.race([answered, this.#closed]), "the gateway's answer");
  }
}

/** @throws RigError DEADLINE_PASSED */
async function inTime<T>(waited: Promise<T>, what: string): Promise<T> {
  const timer = new AbortController();
  const late = delay(patienceMs, undefined, { signal: timer.signal }).then(() => {
    throw new RigError("DEADLINE_PASSED", `waited ${patienceMs} ms in vain for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([waited, late]);
  } finally {
    timer.abort();
  }
}

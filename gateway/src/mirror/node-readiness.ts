import type { DeviceFacts } from "../devices/device.ts";
import type { Work } from "../foundation/workqueue.ts";
import { eventSubject } from "../resources/device.ts";
import type { Node } from "../resources/node.ts";
import { flappingReason, isAvailable, readyOf } from "../resources/node-conditions.ts";
import type { MirrorContext } from "./context.ts";
import { FlapGuard, flapping } from "./flap-guard.ts";
import { ReadyPace } from "./ready-pace.ts";

const conditionType = "Flapping";

/**
 * Decides when a Node's Ready may follow its device. A change costs the controller manager requests, so that after a
 * burst further changes on existing Nodes wait in a queue. A flapping device stays NotReady until it has been steady.
 */
export class NodeReadiness {
  readonly #context: Pick<
    MirrorContext,
    "registry" | "clock" | "log" | "events" | "conditions" | "metrics" | "readyPace"
  >;
  readonly #calls: Work;
  readonly #line: ReadyPace;
  readonly #guard = new FlapGuard();
  readonly #available = new Map<string, boolean>();
  readonly #waiting;
  readonly #held;

  /** @param turn called with the key whose turn it is */
  constructor(
    context: Pick<
      MirrorContext,
      "queue" | "registry" | "clock" | "log" | "events" | "conditions" | "metrics" | "readyPace"
    >,
    turn: (key: string) => void,
  ) {
    this.#context = context;
    const { clock, queue } = context;
    this.#line = new ReadyPace(context.readyPace, clock.monotonicMs());
    this.#calls = queue.register("ready-line", "high", async () => {
      const { keys, againMs } = this.#line.called(clock.monotonicMs());
      for (const key of keys) turn(key);
      return againMs;
    });
    this.#waiting = context.metrics.gauge(
      "motelet_ready_changes_waiting",
      "Changes of Ready that wait in the queue",
    );
    this.#held = context.metrics.counter(
      "motelet_nodes_flapping_total",
      "Times that a Node was held NotReady",
    );
    context.registry.changes.subscribe((key) => this.#follow(key));
  }

  /** @returns milliseconds for which the Node stays NotReady whatever its device does; 0 if it may follow */
  heldMs(key: string, node: Node | undefined): number {
    const { clock, conditions } = this.#context;
    const nowMs = clock.monotonicMs();
    if (readyOf(node?.status)?.reason === flappingReason) this.#guard.restore(key, nowMs);
    const heldMs = this.#guard.heldMs(key, nowMs);
    if (heldMs === 0) conditions.unset(key, conditionType);
    else conditions.set(key, { type: conditionType, status: "True", reason: conditionType, message });
    return heldMs;
  }

  /** Asks for a change of Ready. @returns whether it may be written now; otherwise it waits in the queue until `turn` is called */
  mayChange(key: string): boolean {
    const mayNow = this.#line.take(key, this.#context.clock.monotonicMs()) === 0;
    this.#waiting.set(this.#line.waiting);
    if (!mayNow) this.#calls.add("");
    return mayNow;
  }

  /** No change of Ready is needed (any more). */
  settled(key: string): void {
    this.#line.leave(key);
    this.#waiting.set(this.#line.waiting);
  }

  #follow(key: string): void {
    const facts = this.#context.registry.get(key);
    if (!facts) {
      this.#available.delete(key);
      this.#guard.forget(key);
      this.settled(key);
      return;
    }
    const was = this.#available.get(key);
    const is = isAvailable(facts);
    this.#available.set(key, is);
    // A person who pauses a device is no fault of the device.
    if (was && !is && !facts.spec.paused) this.#lost(facts);
  }

  #lost(facts: DeviceFacts): void {
    const { clock, events, log } = this.#context;
    if (!this.#guard.lost(facts.key, clock.monotonicMs())) return;
    this.#held.inc();
    events.record(eventSubject(facts), { type: "Warning", reason: "Flapping", message });
    log.warn({ device: facts.key, node: facts.spec.nodeName }, "device is flapping");
  }
}

const message = `the device went away ${flapping.losses} times within ${flapping.withinMs / 60_000} minutes: its Node stays NotReady until it has been steady`;

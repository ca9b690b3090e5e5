import type { DeviceFacts } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";
import type { EventRecorder, EventText } from "../kubeapi/event-recorder.ts";
import { eventSubject } from "../resources/device.ts";

/** What a person wants to know of a change; pure. */
export function eventsOf(before: DeviceFacts | undefined, after: DeviceFacts): readonly EventText[] {
  // The first sight of a device is no news: a restarted gateway has just read it.
  if (!before || before.spec.uid !== after.spec.uid) return [];
  const events: EventText[] = [];
  const over = after.link ? ` over ${after.link.carrier} (${after.link.peer})` : "";
  if (before.phase === "Pending" && after.phase !== "Pending") {
    events.push({ type: "Normal", reason: "Enrolled", message: `the device said its first hello${over}` });
  } else if (before.phase !== after.phase && !after.spec.paused) {
    // Whoever paused the device knows that it is gone.
    events.push(...phaseEvents(after, over));
  }
  if (before.boot !== undefined && after.boot !== undefined && before.boot !== after.boot) {
    const cause = after.resetCause === undefined ? "" : `, reset cause ${after.resetCause}`;
    events.push({ type: "Normal", reason: "Rebooted", message: `boot ${after.boot}${cause}` });
  }
  if (before.link && after.link && before.link.carrier !== after.link.carrier) {
    events.push({
      type: "Normal",
      reason: "LinkChanged",
      message: `from ${before.link.carrier} to ${after.link.carrier}`,
    });
  }
  return events;
}

function phaseEvents({ phase }: DeviceFacts, over: string): readonly EventText[] {
  switch (phase) {
    case "Online":
      return [{ type: "Normal", reason: "Online", message: `the device answers${over}` }];
    case "Offline":
      return [{ type: "Warning", reason: "Offline", message: "the device has stopped answering" }];
    case "Asleep":
      return [{ type: "Normal", reason: "Asleep", message: "the device announced its sleep" }];
    case "Retired":
    case "Pending":
      return [];
    default:
      return phase satisfies never;
  }
}

/** Records Events about devices as their facts change. Disposable: ends the subscription. */
export class DeviceEvents implements Disposable {
  readonly #before = new Map<string, DeviceFacts>();
  readonly #unsubscribe: () => void;

  constructor(registry: Registry, recorder: EventRecorder) {
    this.#unsubscribe = registry.changes.subscribe((key) => {
      const after = registry.get(key);
      if (!after) {
        this.#before.delete(key);
        return;
      }
      for (const event of eventsOf(this.#before.get(key), after)) recorder.record(eventSubject(after), event);
      this.#before.set(key, after);
    });
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }
}

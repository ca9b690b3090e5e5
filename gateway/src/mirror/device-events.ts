import { type DeviceFacts, missingPeripherals } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";
import { resetCauseOf } from "../devices/reset-cause.ts";
import type { EventRecorder, EventText } from "../kubeapi/event-recorder.ts";
import { eventSubject } from "../resources/device.ts";
import { duplicateIdentity, duplicateMessage } from "../resources/duplicate-condition.ts";
import { refusalText } from "../resources/refusal-condition.ts";

/**
 * The Events for a change of a device; pure. Texts contain nothing that differs each time (ports, boot counts), so that
 * repetitions become one Event with a count.
 */
export function eventsOf(before: DeviceFacts | undefined, after: DeviceFacts): readonly EventText[] {
  // The first sight of a device is no news: a restarted gateway has just read it.
  if (!before || before.spec.uid !== after.spec.uid) return [];
  const events: EventText[] = [];
  const over = after.link ? ` over ${after.link.carrier}` : "";
  if (before.phase === "Pending" && after.phase !== "Pending") {
    events.push({ type: "Normal", reason: "Enrolled", message: `the device said its first hello${over}` });
  } else if (before.phase !== after.phase && !after.spec.paused) {
    // Whoever paused the device knows that it is gone.
    events.push(...phaseEvents(after, over));
  }
  // Two boards that take turns do not reboot.
  const rebooted = before.boot !== undefined && after.boot !== undefined && before.boot !== after.boot;
  if (rebooted && !after.duplicate) {
    const { text, fault } = resetCauseOf(after.resetCause);
    events.push({
      type: fault ? "Warning" : "Normal",
      reason: "Rebooted",
      message: `the device rebooted ${text}`,
    });
  }
  if (before.link && after.link && before.link.carrier !== after.link.carrier) {
    events.push({
      type: "Normal",
      reason: "LinkChanged",
      message: `from ${before.link.carrier} to ${after.link.carrier}`,
    });
  }
  const missing = missingPeripherals(after).join(", ");
  if (missing !== "" && missing !== missingPeripherals(before).join(", ")) {
    events.push({
      type: "Warning",
      reason: "PeripheralsMissing",
      message: `the firmware lacks ${missing}, which the profile names`,
    });
  }
  const { refusal } = after;
  if (refusal && refusal !== before.refusal) events.push({ type: "Warning", ...refusalText(refusal) });
  if (after.duplicate && !before.duplicate) {
    const message = duplicateMessage(after.duplicate.users);
    events.push({ type: "Warning", reason: duplicateIdentity, message });
  }
  return events;
}

function phaseEvents(facts: DeviceFacts, over: string): readonly EventText[] {
  const { phase } = facts;
  switch (phase) {
    case "Online":
      return [{ type: "Normal", reason: "Online", message: `the device answers${over}` }];
    case "Offline":
      return [{ type: "Warning", reason: "Offline", message: "the device has stopped answering" }];
    case "Asleep":
      return [{ type: "Normal", reason: "Asleep", message: `the device sleeps${sleepLength(facts)}` }];
    case "Retired":
    case "Pending":
      return [];
    default:
      return phase satisfies never;
  }
}

/** How long, not until when: that is in the status, and would make an Event of its own for each sleep. */
function sleepLength({ asleepUntilMs, phaseSinceMs }: DeviceFacts): string {
  return asleepUntilMs === undefined ? "" : ` for ${Math.round((asleepUntilMs - phaseSinceMs) / 1000)} s`;
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

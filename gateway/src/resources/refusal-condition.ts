import type { DeviceFacts, DeviceRefusal } from "../devices/device.ts";
import type { WantedCondition } from "./conditions.ts";

/** Condition of a Device, present while clients that name it are refused. */
export const refusedType = "Refused";

/** Without a success of the device: how long after the latest refusal the condition goes. */
const refusalHoldsMs = 10 * 60_000;

/**
 * The text of both Event and condition. Nothing in it differs each time, so that repetitions become one Event with a
 * count.
 */
export function refusalText(refusal: DeviceRefusal): { reason: string; message: string } {
  const { code, peer, detail, unproved, text } = refusal;
  const why = detail === undefined ? code : `${code}, ${detail}`;
  const message = `a client at ${peer} was refused: ${text} (${why})`;
  return unproved ? { reason: "AuthenticationFailed", message } : { reason: "ConnectionRefused", message };
}

/** How long the condition stays without a new refusal; 0 if there is none. */
export function refusalRemainingMs({ refusal, spec }: DeviceFacts, nowMs: number): number {
  return refusal && !spec.paused ? Math.max(0, refusal.atMs + refusalHoldsMs - nowMs) : 0;
}

export function refusedConditions(facts: DeviceFacts, nowMs: number): readonly WantedCondition[] {
  const { refusal } = facts;
  return refusal && refusalRemainingMs(facts, nowMs) > 0
    ? [{ type: refusedType, status: "True", ...refusalText(refusal) }]
    : [];
}

import { defaults, type WelcomeMessage } from "@motelet/profiles";

/**
 * The welcome that answers an attempt (SPEC §5.2).
 * @param terms.wallMs Unix milliseconds; the device sets its clock from them
 */
export function buildWelcome(
  answer: { readonly attempt: number; readonly sid: number; readonly streamsKept: boolean },
  terms: {
    readonly wallMs: number;
    readonly heartbeatS: number;
    readonly rtoMs: number;
    readonly storedSeq: number;
  },
): WelcomeMessage {
  const wallMs = Math.max(0, Math.floor(terms.wallMs));
  return {
    kind: "welcome",
    attempt: answer.attempt,
    sid: answer.sid,
    streamsKept: answer.streamsKept,
    time: { s: Math.floor(wallMs / 1000), ms: wallMs % 1000 },
    heartbeatS: terms.heartbeatS,
    rtoMs: terms.rtoMs,
    reportWindow: defaults.reportWindow,
    storedSeq: terms.storedSeq,
  };
}

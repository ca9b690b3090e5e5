import { content, type MessageContent } from "./message/codec.ts";
import { Code } from "./message/codes.ts";
import { Option, optionValue } from "./message/options.ts";
import type { MessageProtection } from "./protection.ts";

const seal = (sealed: MessageContent): MessageContent => sealed;
const notAllowed = content(
  Code.unauthorized,
  Buffer.from("this listener does not accept unprotected CoAP: use OSCORE"),
);
const noOscore = content(Code.badOption, Buffer.from("this listener has no OSCORE"));

/**
 * Plain CoAP: nothing is protected, and a device proves itself by the credential of its hello. Anyone on the way can read
 * and change everything, so that a listener must allow it.
 */
export function insecureProtection(isAllowed: boolean): MessageProtection {
  return {
    open(message) {
      if (optionValue(message.options, Option.oscore))
        return { kind: "refused", reason: "no-oscore", response: noOscore };
      if (!isAllowed) return { kind: "refused", reason: "insecure", response: notAllowed };
      return { kind: "opened", content: message, seal };
    },
  };
}

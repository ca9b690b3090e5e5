import { encodeCbor, encodeMessage } from "../src/index.ts";
import { commandVectors } from "./command-vectors.ts";
import { exchanges } from "./message-vectors/exchanges.ts";
import { greetings } from "./message-vectors/greetings.ts";
import { invalid } from "./message-vectors/invalid.ts";
import { signsOfLife } from "./message-vectors/life.ts";
import { reports } from "./message-vectors/reports.ts";
import { skipping } from "./message-vectors/skipping.ts";
import { streams } from "./message-vectors/streams.ts";
import { toHex, toNotation } from "./notation.ts";

const valid = [...greetings, ...exchanges, ...signsOfLife, ...reports, ...streams];

/** The content of vectors/message.json (SPEC §3). */
export function messageVectors(): object {
  return {
    spec: "§3",
    valid: valid.map(([name, kind, spec, message]) => ({
      name,
      case: kind,
      spec,
      hex: toHex(encodeMessage(message)),
      message: toNotation(message),
    })),
    skipping: skipping.map(([name, item, message, skipped]) => ({
      name,
      hex: toHex(encodeCbor(item)),
      message: toNotation(message),
      skipped,
    })),
    invalid: invalid.map(([name, item, error]) => ({ name, hex: toHex(encodeCbor(item)), error })),
    ...commandVectors(),
  };
}

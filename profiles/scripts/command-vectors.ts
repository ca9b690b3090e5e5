import { commands, encodeCbor } from "../src/index.ts";
import { deviceArguments, deviceResults } from "./command-vectors/device.ts";
import { execArguments } from "./command-vectors/exec.ts";
import { fileArguments, fileResults } from "./command-vectors/files.ts";
import { logReadArguments, logReadResults } from "./command-vectors/log-read.ts";
import type { Row } from "./command-vectors/row.ts";
import { streamArguments, streamResults } from "./command-vectors/streams.ts";
import { toHex, toNotation } from "./notation.ts";

const argumentRows = [
  ...deviceArguments,
  ...execArguments,
  ...logReadArguments,
  ...streamArguments,
  ...fileArguments,
];
const resultRows = [...deviceResults, ...logReadResults, ...streamResults, ...fileResults];

function vectors(rows: readonly Row[], meaning: "args" | "result"): object[] {
  return rows.map(([name, command, kind, values, means]) => ({
    name,
    op: commands[command].op,
    case: kind,
    hex: toHex(encodeCbor(values)),
    ...(typeof means === "string" ? { error: means } : { [meaning]: toNotation(means) }),
  }));
}

/**
 * The sections of vectors/message.json about arguments and results (SPEC §6): `hex` is the CBOR array of what follows
 * op, or status. `skipping` is taken, but not what an encoder of this version writes. A device answers invalid arguments
 * by INVALID_ARGUMENT (§5.5).
 */
export const commandVectors = () => ({
  arguments: vectors(argumentRows, "args"),
  results: vectors(resultRows, "result"),
});

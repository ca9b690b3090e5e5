import type { Call } from "./admission.ts";
import { type Answer, plainText } from "./answers.ts";

/** The checks that a kubelet has. Ours hold while the listener answers; whether the gateway works is the operations server's to tell. */
const checks = ["ping", "log", "syncloop"];

/** `/healthz`, with `?verbose` one line a check, and each check as a path of its own. */
export function answerHealth({ query }: Pick<Call, "query">): Answer {
  if (!query.has("verbose")) return plainText(200, "ok");
  return plainText(200, [...checks.map((check) => `[+]${check} ok`), "healthz check passed", ""].join("\n"));
}

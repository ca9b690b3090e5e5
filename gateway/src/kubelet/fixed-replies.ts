import type { Call } from "./handlers.ts";
import { type HttpReply, json, plainText } from "./http-reply.ts";
import { expositionType } from "./usage/exposition.ts";

/** The checks that a kubelet has. Ours hold while the listener answers; whether the gateway works is the operations server's to tell. */
const checks = ["ping", "log", "syncloop"];

/** `/healthz`, with `?verbose` one line a check, and each check as a path of its own. */
export function answerHealth({ query }: Pick<Call, "query">): HttpReply {
  if (!query.has("verbose")) return plainText(200, "ok");
  return plainText(200, [...checks.map((check) => `[+]${check} ok`), "healthz check passed", ""].join("\n"));
}

/** `/configz`: there is no KubeletConfiguration, which tools that look for one take well as an empty one. */
export function answerConfigz(): HttpReply {
  return json({ kubeletconfig: {} });
}

/**
 * Metrics paths under which a kubelet tells of itself, of cgroups and of probes: a device has none of them, and a scrape
 * of its Node must still succeed. The gateway's own metrics are the operations server's, or they would count once a Node.
 */
export function answerEmptyMetrics(): HttpReply {
  return { code: 200, text: "", contentType: expositionType };
}

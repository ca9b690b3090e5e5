import type { Call } from "./handlers.ts";
import { type HttpReply, json, plainText } from "./http-reply.ts";
import { expositionType } from "./usage/exposition.ts";

/** The checks that a kubelet has. Ours hold while the listener answers; whether the gateway works is the operations server's to tell. */
const checks = ["ping", "log", "syncloop"];

/** `/healthz`: with `?verbose` one line per check; each check also has its own path. */
export function answerHealth({ query }: Pick<Call, "query">): HttpReply {
  if (!query.has("verbose")) return plainText(200, "ok");
  return plainText(200, [...checks.map((check) => `[+]${check} ok`), "healthz check passed", ""].join("\n"));
}

/** `/configz`: empty, because there is no KubeletConfiguration. Tools that look for one accept that. */
export function answerConfigz(): HttpReply {
  return json({ kubeletconfig: {} });
}

/**
 * Metrics paths for a kubelet itself, for cgroups and for probes: empty, because a device has none of them, and a
 * scrape of its Node must still succeed. The gateway's own metrics are on the operations server; here they would count
 * once per Node.
 */
export function answerEmptyMetrics(): HttpReply {
  return { code: 200, text: "", contentType: expositionType };
}

import type { Answer } from "./answers.ts";
import { expositionType } from "./exposition.ts";

/**
 * Metrics paths under which a kubelet tells of itself, of cgroups and of probes: a device has none of them, and a scrape
 * of its Node must still succeed. The gateway's own metrics are the operations server's, or they would count once a Node.
 */
export function answerEmptyMetrics(): Answer {
  return { code: 200, text: "", contentType: expositionType };
}

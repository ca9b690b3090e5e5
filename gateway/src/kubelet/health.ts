import { type Answer, plainText } from "./answers.ts";

/** `/healthz`: the listener answers. Whether the gateway does its work is told by the operations server. */
export function answerHealth(): Answer {
  return plainText(200, "ok");
}

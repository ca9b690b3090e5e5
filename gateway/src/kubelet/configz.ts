import { type Answer, json } from "./answers.ts";

/** `/configz`: there is no KubeletConfiguration, which tools that look for one take well as an empty one. */
export function answerConfigz(): Answer {
  return json({ kubeletconfig: {} });
}

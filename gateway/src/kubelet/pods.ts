import { type Answer, json } from "./answers.ts";

/**
 * `/pods` and `/runningpods`: always an empty v1.PodList. The path names no Node and all Nodes share the listener, so
 * any other body would be taken for each Node's own.
 */
export function answerPods(): Answer {
  return json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: [] });
}

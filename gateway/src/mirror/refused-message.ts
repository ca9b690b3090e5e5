import type { KubeApiError } from "../kubeapi/errors.ts";

/** The API server's words may be pages where a schema lists all that it wants. */
const maxLength = 512;

/** The message on a Device whose Node or Pod the API server refuses. */
export function refusedMessage(kind: "Node" | "Pod", { message }: KubeApiError): string {
  const text = message.length > maxLength ? `${message.slice(0, maxLength - 1)}…` : message;
  return `the cluster refuses the ${kind}: ${text}`;
}

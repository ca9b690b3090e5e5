import type { IncomingMessage } from "node:http";
import type { Registry } from "../devices/registry.ts";
import { RequestError } from "../foundation/errors.ts";
import { findPodTarget, type PodTarget } from "../resources/virtual-pod.ts";
import type { Authenticator, Credentials } from "./access/authentication.ts";
import type { Authorizer } from "./access/authorization.ts";
import type { Call } from "./handlers.ts";
import { nodeOfTarget } from "./pod-lookup.ts";
import { matchRoute, noRouteText } from "./routes.ts";

/**
 * Admits a request: authenticates the caller, finds the target, then checks the caller's right. Every path needs an
 * authenticated caller. That a pod does not exist is only revealed to callers with the right on every Node.
 * @throws AccessError, RequestError, UnavailableError
 */
export async function admit(
  request: IncomingMessage,
  certificate: Credentials["certificate"],
  parts: {
    readonly authenticator: Authenticator;
    readonly authorizer: Authorizer;
    readonly registry: Registry;
    /** Where the listener is that of one Node. */
    readonly nodeName?: string;
  },
): Promise<Call> {
  const { authorization } = request.headers;
  const user = await parts.authenticator.authenticate({
    ...(certificate ? { certificate } : {}),
    ...(authorization === undefined ? {} : { authorization }),
  });
  const { path, query } = splitTarget(request.url ?? "/");
  const match = matchRoute(path);
  if (!match) throw new RequestError("ROUTE_NOT_FOUND", noRouteText(path));
  const { route, params } = match;
  if (!route.methods.includes(request.method ?? ""))
    throw new RequestError("METHOD_NOT_ALLOWED", "405: Method Not Allowed", {
      headers: { allow: route.methods.join(", ") },
    });
  const { namespace = "", pod = "", container } = params;
  const named = { namespace, pod, ...(container === undefined ? {} : { container }) };
  const target = onlyOfNode(findPodTarget(parts.registry, named), parts.nodeName);
  // That a pod is not on the Node of its listener is reported only to callers with rights on that Node, as in every kubelet.
  const nodeName = parts.nodeName ?? nodeOfTarget(target) ?? params.node;
  await parts.authorizer.authorize(user, route.access, nodeName ?? "");
  if (params.node !== undefined && params.node !== nodeName)
    throw new RequestError("NODE_NOT_FOUND", `node ${JSON.stringify(params.node)} is not on this port`);
  return { route, params, query, user, target, nodeName };
}

/** To the listener of one Node, pods of other Nodes are unknown. */
function onlyOfNode(target: PodTarget, nodeName: string | undefined): PodTarget {
  const elsewhere = nodeName !== undefined && nodeOfTarget(target) !== nodeName;
  return elsewhere ? { kind: "no-pod" } : target;
}

/** Name of the route for metrics, also for refused requests. */
export function routeLabel(request: IncomingMessage): string {
  return matchRoute(splitTarget(request.url ?? "/").path)?.route.name ?? "unknown";
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

import type { Access } from "./access/authorization.ts";
import { streamAttach } from "./attach.ts";
import { answerContainerLogs } from "./container-logs.ts";
import { streamExec } from "./exec.ts";
import { answerConfigz, answerEmptyMetrics, answerHealth } from "./fixed-replies.ts";
import type { PlainHandler, Route, RouteMatch, StreamingHandler } from "./handlers.ts";
import { answerPods } from "./pods.ts";
import { streamPortForward } from "./port-forward.ts";
import { answerResourceMetrics } from "./usage/resource-metrics.ts";
import { answerStatsSummary } from "./usage/stats-summary.ts";

/** Access to a GET: any of these subresources of the Node will do. */
function get(...subresources: readonly string[]): Access {
  return { verb: "get", subresources };
}

/** `get nodes/proxy` must not be enough to run something, although a WebSocket handshake is a GET (docs/kubectl.md, "Permissions"). */
const create: Access = { verb: "create", subresources: ["proxy"] };

function plain(name: string, path: string, access: Access, answer: PlainHandler): Route {
  return { name, methods: ["GET"], path, access, answer };
}

function streaming(name: string, path: string, stream: StreamingHandler): Route {
  return { name, methods: ["GET", "POST"], path, access: create, stream };
}

const container = "{namespace}/{pod}/{container}";
const containerByUid = "{namespace}/{pod}/{uid}/{container}";

/** All routes of the kubelet API (docs/kubectl.md, "Other tools"). */
export const routes: readonly Route[] = [
  plain("healthz", "/healthz", get("healthz", "proxy"), answerHealth),
  plain("healthz", "/healthz/ping", get("healthz", "proxy"), answerHealth),
  plain("healthz", "/healthz/log", get("healthz", "proxy"), answerHealth),
  plain("healthz", "/healthz/syncloop", get("healthz", "proxy"), answerHealth),
  plain("configz", "/configz", get("configz", "proxy"), answerConfigz),
  plain("pods", "/pods", get("pods", "proxy"), answerPods),
  plain("runningpods", "/runningpods", get("pods", "proxy"), answerPods),
  plain("metrics", "/metrics", get("metrics"), answerEmptyMetrics),
  plain("metrics/cadvisor", "/metrics/cadvisor", get("metrics"), answerEmptyMetrics),
  plain("metrics/probes", "/metrics/probes", get("metrics"), answerEmptyMetrics),
  plain("metrics/resource", "/metrics/resource", get("metrics"), answerResourceMetrics),
  plain("metrics/resource", "/metrics/nodes/{node}/metrics/resource", get("metrics"), answerResourceMetrics),
  plain("stats/summary", "/stats/summary", get("stats"), answerStatsSummary),
  plain("stats/summary", "/stats/nodes/{node}/summary", get("stats"), answerStatsSummary),
  plain("containerLogs", `/containerLogs/${container}`, get("proxy"), answerContainerLogs),
  streaming("exec", `/exec/${container}`, streamExec),
  streaming("exec", `/exec/${containerByUid}`, streamExec),
  streaming("attach", `/attach/${container}`, streamAttach),
  streaming("attach", `/attach/${containerByUid}`, streamAttach),
  streaming("portForward", "/portForward/{namespace}/{pod}", streamPortForward),
  streaming("portForward", "/portForward/{namespace}/{pod}/{uid}", streamPortForward),
];

/** First segments of all routes. */
const roots: ReadonlySet<string> = new Set(routes.map(({ path }) => path.split("/")[1] ?? ""));

/**
 * Finds the route of a request's target; a trailing slash is ignored.
 * @param path without the query, still percent-encoded
 */
export function matchRoute(path: string): RouteMatch | undefined {
  const segments = decodeSegments(path);
  if (!segments) return undefined;
  for (const route of routes) {
    const params = matchSegments(route.path.split("/").slice(1), segments);
    if (params) return { route, params };
  }
  return undefined;
}

/** The reply of a kubelet for an unknown path: it depends on whether its router knows the first segment. */
export function noRouteText(path: string): string {
  return roots.has(path.split("/")[1] ?? "") ? "404: Page Not Found" : "404 page not found";
}

function decodeSegments(path: string): readonly string[] | undefined {
  if (!path.startsWith("/")) return undefined;
  try {
    return path.replace(/\/$/, "").split("/").slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const actual = segments[index] ?? "";
    const parameter = /^\{(\w+)\}$/.exec(expected)?.[1];
    if (parameter === undefined ? actual !== expected : actual === "") return undefined;
    if (parameter !== undefined) params[parameter] = actual;
  }
  return params;
}

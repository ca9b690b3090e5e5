import type { Access } from "./authorization.ts";

/** What a route does; the verbs themselves are files of their own. */
export type RouteName = "healthz" | "pods" | "containerLogs" | "exec";

export interface Route {
  readonly name: RouteName;
  readonly methods: readonly string[];
  /** Segments in braces are parameters. */
  readonly path: string;
  readonly access: Access;
  /** Answered by an upgrade of the connection. */
  readonly upgrades: boolean;
}

/** `get nodes/proxy` must not be enough to run something, although a WebSocket handshake is a GET (kubelet-protocol.md §3.2). */
const streaming: Access = { verb: "create", subresources: ["proxy"] };
const reading: Access = { verb: "get", subresources: ["proxy"] };
const readingFine = (subresource: string): Access => ({ verb: "get", subresources: [subresource, "proxy"] });

const get = ["GET"];
const getOrPost = ["GET", "POST"];
const container = "{namespace}/{pod}/{container}";
const containerByUid = "{namespace}/{pod}/{uid}/{container}";

/** Everything that the kubelet API answers. */
export const routes: readonly Route[] = [
  { name: "healthz", methods: get, path: "/healthz", access: readingFine("healthz"), upgrades: false },
  { name: "pods", methods: get, path: "/pods", access: readingFine("pods"), upgrades: false },
  { name: "pods", methods: get, path: "/runningpods", access: readingFine("pods"), upgrades: false },
  {
    name: "containerLogs",
    methods: get,
    path: `/containerLogs/${container}`,
    access: reading,
    upgrades: false,
  },
  { name: "exec", methods: getOrPost, path: `/exec/${container}`, access: streaming, upgrades: true },
  { name: "exec", methods: getOrPost, path: `/exec/${containerByUid}`, access: streaming, upgrades: true },
];

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Partial<Record<string, string>>>;
}

/**
 * Finds the route of a request's target; one slash at the end does not matter.
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

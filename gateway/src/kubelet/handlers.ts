import type { ServerResponse } from "node:http";
import type { PodTarget } from "../resources/virtual-pod.ts";
import type { Upgrade } from "../streaming/upgrade.ts";
import type { User } from "./access/authentication.ts";
import type { Access } from "./access/authorization.ts";
import type { HttpReply } from "./http-reply.ts";
import type { Serving } from "./serving.ts";

/**
 * Answers one request that its caller may make. To add one: a file with this function, and a row in `routes.ts`.
 * @returns what the server sends; undefined where the handler has written the response itself (streamed answers)
 * @throws MoteletError, sent as `replyOfError` tells; after the head has been written it only ends the connection
 */
export type PlainHandler = (
  call: Call,
  serving: Serving,
  response: ServerResponse,
) => HttpReply | undefined | Promise<HttpReply | undefined>;

/**
 * Serves one request that asks for an upgrade. Ends when the conversation has.
 * @throws MoteletError where the upgrade has not been answered yet: it is refused with that. Never after the 101:
 *   later errors are reported on the connection.
 */
export type StreamingHandler = (call: Call, serving: Serving, upgrade: Upgrade) => Promise<void>;

interface RouteCore {
  /** For metrics and logs. */
  readonly name: string;
  readonly methods: readonly string[];
  /**
   * Segments in braces are parameters. `{namespace}`, `{pod}`, `{container}` name what the request is about; `{node}`
   * names the Node on paths that a kubelet has without it, because here all Nodes share one listener.
   */
  readonly path: string;
  /** What the caller must be allowed to do to the Node of the pod, or to the one of the path, else to every Node. */
  readonly access: Access;
}

export type Route = RouteCore &
  (
    | { readonly answer: PlainHandler; readonly stream?: undefined }
    | { readonly stream: StreamingHandler; readonly answer?: undefined }
  );

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Partial<Record<string, string>>>;
}

/** A request whose caller may make it. */
export interface Call extends RouteMatch {
  readonly query: URLSearchParams;
  readonly user: User;
  /** What the path's pod and container stand for. */
  readonly target: PodTarget;
  /** The Node that it is about, for which the caller's rights were asked; undefined: a path without one, or an unknown pod. */
  readonly nodeName: string | undefined;
}

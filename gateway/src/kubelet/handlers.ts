import type { ServerResponse } from "node:http";
import type { PodTarget } from "../resources/virtual-pod.ts";
import type { Upgrade } from "../streaming/upgrade.ts";
import type { User } from "./access/authentication.ts";
import type { Access } from "./access/authorization.ts";
import type { HttpReply } from "./http-reply.ts";
import type { Serving } from "./serving.ts";

/**
 * Answers one authorized request. To add one: a file with this function, and a row in `routes.ts`.
 * @returns the reply to send; undefined if the handler has written the response itself (streamed answers)
 * @throws MoteletError, sent as `replyOfError` defines; after the head has been written it only ends the connection
 */
export type PlainHandler = (
  call: Call,
  serving: Serving,
  response: ServerResponse,
) => HttpReply | undefined | Promise<HttpReply | undefined>;

/**
 * Serves one request for an upgrade. Resolves when the conversation has ended.
 * @throws MoteletError before the upgrade: it is the reply. Never after the 101: later errors are reported on the
 * connection.
 */
export type StreamingHandler = (call: Call, serving: Serving, upgrade: Upgrade) => Promise<void>;

interface RouteCore {
  /** For metrics and logs. */
  readonly name: string;
  readonly methods: readonly string[];
  /**
   * Segments in braces are parameters. `{namespace}`, `{pod}`, `{container}` name the target of the request. `{node}`
   * names the Node, on paths that do not have it in a kubelet, because here all Nodes share one listener.
   */
  readonly path: string;
  /** The right that the caller needs: on the pod's Node, else on the Node in the path, else on every Node. */
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

/** An authorized request. */
export interface Call extends RouteMatch {
  readonly query: URLSearchParams;
  readonly user: User;
  /** The target of the path's pod and container. */
  readonly target: PodTarget;
  /** The Node on which the caller's right was checked; undefined: a path without a Node, or an unknown pod. */
  readonly nodeName: string | undefined;
}

export type PatchType = "merge" | "json" | "strategic" | "apply";

export interface KubeRequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly signal?: AbortSignal;
}

export interface KubeWatchOptions extends KubeRequestOptions {
  /** Called when the API server has accepted the watch, before its first event. */
  readonly onOpen?: () => void;
}

/** An event of a watch; BOOKMARK carries only a resourceVersion, ERROR a Status. */
export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

/**
 * The few verbs of the Kubernetes API that motelet uses, by path ("/api/v1/nodes/lamp").
 * @throws KubeApiError (kubeapi/errors.ts) if the API server answers with a Status, UnavailableError if it does not
 * answer
 */
export interface KubeClient {
  get<T>(path: string, options?: KubeRequestOptions): Promise<T>;
  create<T>(path: string, body: unknown, options?: KubeRequestOptions): Promise<T>;
  replace<T>(path: string, body: unknown, options?: KubeRequestOptions): Promise<T>;
  patch<T>(path: string, body: unknown, type: PatchType, options?: KubeRequestOptions): Promise<T>;
  delete<T>(path: string, body?: unknown, options?: KubeRequestOptions): Promise<T>;
  /** Ends when the API server closes the watch or the signal aborts; throws if the connection breaks. */
  watch<T>(path: string, options?: KubeWatchOptions): AsyncIterable<WatchEvent<T>>;
}

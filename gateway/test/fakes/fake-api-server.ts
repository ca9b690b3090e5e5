import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/*
 * A stand-in for kube-apiserver at the wire: HTTP on loopback, objects by path, list and watch by resourceVersion.
 *
 * What it does not do: TLS, authentication and authorization (it records tokens, and a SubjectAccessReview allows everything), schemas, defaulting, admission,
 * subresources but status, field selectors, label selectors but "key", "!key" and "key=value", patches but merge, paging,
 * garbage collection, namespaces as objects, graceful deletion of Pods.
 */

interface StoredObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    finalizers?: string[];
  };
  spec?: unknown;
  status?: unknown;
}

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly path: string;
  readonly object: StoredObject;
}

/** What a test wants instead of the usual answer. */
export type Fault = (
  request: IncomingMessage,
) => { status: number; headers?: Record<string, string> } | "hang" | undefined;

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
}

export class FakeApiServer implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  /** Asked before each request. */
  fault: Fault | undefined;
  /** What SubjectAccessReviews say. */
  allowsCallers = false;
  readonly #server: Server;
  readonly #objects = new Map<string, StoredObject>();
  readonly #watchers = new Set<{ prefix: string; selector: string | null; response: ServerResponse }>();
  #history: Change[] = [];
  #version = 100;
  #oldest = 0;
  #uid = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is stored at an object's path. */
  at(path: string): StoredObject | undefined {
    return this.#objects.get(path);
  }

  /** The objects of a collection. */
  all(collection: string): readonly StoredObject[] {
    return [...this.#objects]
      .filter(([path]) => path.startsWith(`${collection}/`))
      .map(([, object]) => object);
  }

  /** Creates or replaces an object, as some other client would. */
  put(collection: string, object: StoredObject): StoredObject {
    const path = `${collection}/${object.metadata.name}`;
    return this.#store(path, object, this.#objects.has(path) ? "MODIFIED" : "ADDED");
  }

  remove(path: string): void {
    const object = this.#objects.get(path);
    if (object) this.#store(path, object, "DELETED");
  }

  /** Forgets the past: a watch from before now gets 410. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#version;
  }

  /** Breaks all watches without a word, as a crash does. */
  breakWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const { response } of this.#watchers)
      response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }

  get watchCount(): number {
    return this.#watchers.size;
  }

  count(method: string, pathEnd = ""): number {
    return this.requests.filter((request) => request.method === method && request.path.endsWith(pathEnd))
      .length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const { method = "GET" } = request;
    const isWatch = url.searchParams.get("watch") === "true";
    this.requests.push({
      method: isWatch ? "WATCH" : method,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
    });
    const text = await readText(request);
    const fault = this.fault?.(request);
    if (fault === "hang") return;
    if (fault) return answer(response, fault.status, { kind: "Status", message: "as told" }, fault.headers);
    if (isWatch) return this.#watch(url, response);
    const body = text ? (JSON.parse(text) as StoredObject) : undefined;
    const [status, result] = this.#handle(method, url, body);
    answer(response, status, result);
  }

  #handle(method: string, url: URL, body: StoredObject | undefined): [number, unknown] {
    const isStatus = url.pathname.endsWith("/status");
    const path = isStatus ? url.pathname.slice(0, -"/status".length) : url.pathname;
    const known = this.#objects.get(path);
    switch (method) {
      case "POST": {
        if (!body) return failure(400, "BadRequest");
        if (path.endsWith("/subjectaccessreviews"))
          return [201, { ...body, status: { allowed: this.allowsCallers } }];
        const target = `${path}/${body.metadata.name}`;
        if (this.#objects.has(target)) return failure(409, "AlreadyExists");
        return [201, this.#store(target, body, "ADDED")];
      }
      case "GET":
        if (known) return [200, known];
        return isCollection(path) ? [200, this.#list(url)] : failure(404, "NotFound");
      case "PUT": {
        if (!known || !body) return failure(404, "NotFound");
        const wanted = body.metadata.resourceVersion;
        if (wanted && wanted !== known.metadata.resourceVersion) return failure(409, "Conflict");
        const next = isStatus ? { ...known, status: body.status } : { ...body, status: known.status };
        return [200, this.#storeOrFinish(path, next)];
      }
      case "PATCH":
        return known
          ? [200, this.#store(path, { ...known, ...body, metadata: known.metadata }, "MODIFIED")]
          : failure(404, "NotFound");
      case "DELETE": {
        if (!known) return failure(404, "NotFound");
        const uid = (body as { preconditions?: { uid?: string } } | undefined)?.preconditions?.uid;
        if (uid && uid !== known.metadata.uid) return failure(409, "Conflict");
        const deletionTimestamp = new Date().toISOString();
        return [
          200,
          this.#storeOrFinish(path, { ...known, metadata: { ...known.metadata, deletionTimestamp } }),
        ];
      }
      default:
        return failure(405, "MethodNotAllowed");
    }
  }

  /** A deleted object goes when its last finalizer does. */
  #storeOrFinish(path: string, object: StoredObject): StoredObject {
    const over = object.metadata.deletionTimestamp && (object.metadata.finalizers ?? []).length === 0;
    return this.#store(path, object, over ? "DELETED" : "MODIFIED");
  }

  #store(path: string, object: StoredObject, type: Change["type"]): StoredObject {
    this.#version += 1;
    const stored: StoredObject = {
      ...object,
      metadata: {
        generation: 1,
        creationTimestamp: new Date().toISOString(),
        ...object.metadata,
        uid: object.metadata.uid ?? this.#objects.get(path)?.metadata.uid ?? `uid-${++this.#uid}`,
        resourceVersion: String(this.#version),
      },
    };
    if (type === "DELETED") this.#objects.delete(path);
    else this.#objects.set(path, stored);
    const change: Change = { version: this.#version, type, path, object: stored };
    this.#history.push(change);
    for (const watcher of this.#watchers) send(watcher.response, change, watcher.prefix, watcher.selector);
    return stored;
  }

  #list(url: URL): unknown {
    const selector = url.searchParams.get("labelSelector");
    const items = [...this.#objects]
      .filter(([path, object]) => belongs(path, url.pathname) && matches(object, selector))
      .map(([, object]) => object);
    return { kind: "List", metadata: { resourceVersion: String(this.#version) }, items };
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get("resourceVersion") ?? 0);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < this.#oldest) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    const watcher = { prefix: url.pathname, selector: url.searchParams.get("labelSelector"), response };
    for (const change of this.#history) {
      if (change.version > from) send(response, change, watcher.prefix, watcher.selector);
    }
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }
}

function send(response: ServerResponse, change: Change, prefix: string, selector: string | null): void {
  if (!belongs(change.path, prefix) || !matches(change.object, selector)) return;
  response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
}

/** Collections are two words after the version, or four with a namespace; singular names have one more. */
function isCollection(path: string): boolean {
  const words = path.split("/").slice(path.startsWith("/api/") ? 3 : 4);
  return words[0] === "namespaces" ? words.length === 3 : words.length === 1;
}

function belongs(objectPath: string, collection: string): boolean {
  const everywhere = objectPath.replace(/\/namespaces\/[^/]+\/(?=[^/]+\/[^/]+$)/, "/");
  return [objectPath, everywhere].some(
    (path) => path.startsWith(`${collection}/`) && !path.slice(collection.length + 1).includes("/"),
  );
}

function matches(object: StoredObject, selector: string | null): boolean {
  const labels = object.metadata.labels ?? {};
  return (selector ?? "").split(",").every((term) => {
    const [key = "", value] = term.split("=");
    if (key.startsWith("!")) return !(key.slice(1) in labels);
    return key === "" || (value === undefined ? key in labels : labels[key] === value);
  });
}

function failure(code: number, reason: string): [number, unknown] {
  return [code, { kind: "Status", code, reason, message: reason }];
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

import type { V1ObjectMeta } from "@kubernetes/client-node";

/**
 * A type of client-node in its JSON form: times are RFC 3339 text. Only types of that package are used, because loading
 * it takes 90 MB.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Wire<T[Key]> }
      : T;

export type ObjectMeta = Wire<V1ObjectMeta> & { readonly name: string };

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** The API server's answer if it is not an object. */
export interface KubeStatus {
  readonly kind?: "Status";
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** `<namespace>/<name>`, or the name alone for a cluster-scoped object. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** Splits a key made by `objectKey`; a key without a namespace gives an empty one. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, Math.max(0, slash)), name: key.slice(slash + 1) };
}

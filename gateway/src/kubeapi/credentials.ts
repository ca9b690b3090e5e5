/** The address of an API server and the identity to use there. PEM texts are in the form that TLS needs. */
export interface Credentials {
  /** The source of the credentials, for the log: files and context, or the pod. */
  readonly source: string;
  /** URL; a path in it is a prefix of every request. */
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False only if a kubeconfig has insecure-skip-tls-verify. */
  readonly verify: boolean;
  /** @param fresh read the token again, because the last one was refused */
  token(fresh: boolean): Promise<string | undefined>;
}

/** How to reach an API server and who to be there. PEM texts are what TLS takes. */
export interface Credentials {
  /** Where they come from, for the log: files and context, or the pod. */
  readonly source: string;
  /** URL; a path in it is a prefix of every request. */
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False only where a kubeconfig says insecure-skip-tls-verify. */
  readonly verify: boolean;
  /** @param fresh the last one was refused: read it again */
  token(fresh: boolean): Promise<string | undefined>;
}

/**
 * How a listener protects connections, and how a device proves its identity there. Each listener accepts one kind of
 * proof, so that a leaked password is useless on a listener that needs certificates or keys.
 */
export type MqttSecurity =
  /** Password in clear text: only on loopback, unless `insecure` says that the network may read it. */
  | { readonly kind: "plain"; readonly insecure?: boolean }
  /**
   * Password over TLS; with `clientCaFile` a client certificate of that CA in its place, whose common name is
   * `<wireId>.<generation>`: so a raised generation ends old certificates, too. PEM files, read again when they change.
   */
  | {
      readonly kind: "tls";
      readonly certFile: string;
      readonly keyFile: string;
      readonly clientCaFile?: string;
    }
  /** TLS with a pre-shared key (RFC 4279, RFC 8446 §2.2); the PSK identity is `<wireId>.<generation>`. */
  | { readonly kind: "psk" };

export interface MqttListenerOptions {
  readonly host: string;
  /** 0 selects a free one. */
  readonly port: number;
  readonly security: MqttSecurity;
}

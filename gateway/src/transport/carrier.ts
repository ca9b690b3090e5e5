import type { CarrierName } from "@motelet/profiles";
import type { TProperties } from "typebox";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { Settings, ValuesOf } from "../foundation/setting.ts";
import type { ValidationRule } from "../foundation/validation-rules.ts";
import type { KeyValues } from "../store/key-values.ts";
import type { ChannelAcceptor } from "./channel.ts";
import type { Authenticator, KeyDirectory, SequenceBlocks, WantedLinks } from "./directory.ts";

/** Dependencies of every transport. */
export interface TransportContext {
  readonly acceptor: ChannelAcceptor;
  readonly authenticator: Authenticator;
  readonly wantedLinks: WantedLinks;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** What a carrier may build its transport with. */
export interface CarrierContext extends TransportContext {
  readonly keys: KeyDirectory;
  readonly sequences: SequenceBlocks;
  /** Small records that outlive the process. */
  readonly keyValues: Pick<KeyValues, "get" | "put">;
}

/** A running carrier: opens channels and passes them to the acceptor. Its constructor has no side effects. */
export interface Transport extends AsyncDisposable {
  /**
   * Resolves when devices can connect.
   * @returns the port that devices connect to, if the transport listens on one: for the log and for tests
   * @throws ConfigError for settings that the operator must correct
   */
  start(): Promise<{ readonly port?: number }>;
  /** For readiness: why devices cannot connect. Absent: the transport never makes the gateway unready. */
  unhealthyReason?(): string | undefined;
}

/** The fields of the carrier's links in `spec.links` of a Device. */
export interface LinkForm<F extends TProperties = TProperties> {
  /** Fields next to `carrier`, all optional in the schema. No two carriers have a field of the same name. */
  readonly fields: F;
  /**
   * Rules on the whole link: which of the fields a link of this carrier needs, and that other links have none of them.
   */
  readonly rules: readonly ValidationRule[];
  /**
   * The port that a link names, on a carrier that knows a device by its port. Absent: a device proves its identity over
   * the carrier.
   */
  readonly portOf?: (link: Readonly<Record<string, unknown>>) => string;
}

/**
 * A way for messages to travel. A carrier is one folder below this one, and one line in `carriers.ts`: this object has
 * everything that the rest of the gateway knows about it. The descriptor is pure data for the CRD, the configuration
 * and the devices. `open` imports the transport with its libraries when a gateway that uses it starts.
 */
export interface Carrier<S extends Settings = Settings, F extends TProperties = TProperties> {
  readonly name: CarrierName;
  /** Its rows in the table of settings; every key begins with `<name>.`. */
  readonly settings: S;
  readonly link: LinkForm<F>;
  /** Whether its channels carry console text outside messages, for any firmware (`Channel.writeConsole`). */
  readonly hasConsole: boolean;
  /**
   * Builds the transport.
   * @returns undefined if the configuration does not enable it
   * @throws ConfigError for settings that contradict each other
   */
  open(config: ValuesOf<S>, context: CarrierContext): Promise<Transport | undefined>;
}

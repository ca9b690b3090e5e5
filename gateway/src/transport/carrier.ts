import type { CarrierName } from "@motelet/profiles";
import type { TProperties } from "typebox";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { Settings, ValuesOf } from "../foundation/setting.ts";
import type { ValidationRule } from "../foundation/validation-rules.ts";
import type { ChannelAcceptor } from "./channel.ts";
import type { Authenticator, WantedLinks } from "./directory.ts";

/** What every transport is given. */
export interface TransportContext {
  readonly acceptor: ChannelAcceptor;
  readonly authenticator: Authenticator;
  readonly wantedLinks: WantedLinks;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A carrier at work: opens channels and hands them to the acceptor. Its constructor has no side effects. */
export interface Transport extends AsyncDisposable {
  /**
   * Resolves when devices can connect.
   * @returns the port that devices connect to, if the transport listens on one: for the log and for tests
   * @throws ConfigError for what the operator has to correct
   */
  start(): Promise<{ readonly port?: number }>;
  /** For readiness: why devices cannot connect. Absent: the transport never keeps the gateway from being ready. */
  unhealthyReason?(): string | undefined;
}

/** What a link of the carrier looks like in `spec.links` of a Device. */
export interface LinkForm<F extends TProperties = TProperties> {
  /** Fields next to `carrier`, all optional in the schema. No two carriers have a field of the same name. */
  readonly fields: F;
  /** Rules on the whole link: which of the fields a link of this carrier needs, and that others have none. */
  readonly rules: readonly ValidationRule[];
  /**
   * The port that a link names, on a carrier that knows a device by the port on which it answers.
   * Absent: a device proves its identity over the carrier.
   */
  readonly portOf?: (link: Readonly<Record<string, unknown>>) => string;
}

/**
 * A way for messages to travel. One folder below this one, and one line in `carriers.ts`: whatever the rest of the gateway
 * knows of a carrier is here. The descriptor is pure data, which the CRD, the configuration and the devices read; `open`
 * imports the transport itself, with its libraries, at the start of a gateway that uses it.
 */
export interface Carrier<S extends Settings = Settings, F extends TProperties = TProperties> {
  readonly name: CarrierName;
  /** Its rows in the table of settings; every key begins with `<name>.`. */
  readonly settings: S;
  readonly link: LinkForm<F>;
  /** Whether its channels carry console text outside messages, whatever the firmware (`Channel.writeConsole`). */
  readonly hasConsole: boolean;
  /**
   * Builds the transport.
   * @returns undefined if the configuration does not enable it
   * @throws ConfigError for settings that contradict each other
   */
  open(config: ValuesOf<S>, context: TransportContext): Promise<Transport | undefined>;
}

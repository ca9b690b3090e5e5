import type { AddressBudget } from "./amplification.ts";
import type { MessageIds } from "./message-ids.ts";
import type { Observation } from "./observation.ts";
import type { Outbox } from "./outbox.ts";
import type { RecentRequests } from "./recent-requests.ts";

/** Where a datagram came from. */
export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

/** What is known of one address and port: requests that came, messages that go, and whether the address is verified. */
export interface Peer extends PeerAddress {
  /** For people, log lines and maps: `192.0.2.7:5683`, `[2001:db8::1]:5683`. */
  readonly name: string;
  readonly budget: AddressBudget;
  readonly requests: RecentRequests;
  readonly ids: MessageIds;
  readonly outbox: Outbox;
  readonly observations: Map<string, Observation>;
  heardMs: number;
}

export function peerName({ address, port }: PeerAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** IPv4 addresses on a socket for IPv6 come as `::ffff:192.0.2.7`; they are the same peers. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

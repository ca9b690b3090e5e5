import type { IncomingMessage } from "node:http";
import type { ProtocolError } from "../foundation/errors.ts";
import type { TimeoutReason } from "../streaming/idle-timer.ts";
import type { ForwardPair } from "../streaming/portforward/forward-pair.ts";
import { portForwardProtocol, serveSpdyForwarding } from "../streaming/portforward/spdy.ts";
import {
  channelProtocols,
  openTunnel,
  parsePorts,
  serveChannelForwarding,
  tunnelProtocol,
} from "../streaming/portforward/websocket.ts";
import { listedNames, negotiateProtocol, negotiateWebSocketProtocol } from "../streaming/subprotocols.ts";
import { noKnownUpgrade, switchingToSpdy, type Upgrade, wantsUpgrade } from "../streaming/upgrade.ts";
import { expectWebSocketRequest } from "../streaming/websocket/handshake.ts";
import type { Call, StreamingHandler } from "./handlers.ts";
import { expectOnline, expectTarget } from "./pod-lookup.ts";
import { DialLine } from "./portforward/dial-line.ts";
import { forward } from "./portforward/forward.ts";
import { noteBrokenProtocol } from "./remotecommand/remote-command.ts";
import type { Serving } from "./serving.ts";

/** How one kind of client is served, once everything is checked. */
type Serve = (upgrade: Upgrade, forwarding: Forwarding) => Promise<void>;

interface Forwarding {
  readonly serving: Serving;
  readonly serve: (pair: ForwardPair) => Promise<void>;
  readonly onProtocolError: (error: ProtocolError) => void;
}

/**
 * `/portForward`: connections to TCP ports and UARTs of the device (docs/adr/0014). One upgraded connection carries
 * many; errors of one are reported on its own streams.
 */
export const streamPortForward: StreamingHandler = async (call, serving, upgrade) => {
  const serveClient = chooseServe(call, upgrade.request);
  const { facts, key } = expectTarget(call);
  expectOnline(facts);

  const { clock, dial, log, meters, stopping } = serving;
  const line = new DialLine(dial, key, call.user.name, clock);
  const subject = { pod: facts.spec.name, uid: facts.spec.uid };
  const route = call.route.name;
  const startedMs = clock.monotonicMs();
  let connections = 0;
  meters.openStreams.inc({ route });
  log.info({ device: key, user: call.user.name }, "port-forward started");
  try {
    await serveClient(upgrade, {
      serving,
      onProtocolError: (error) => noteBrokenProtocol(serving, key, error),
      async serve(pair) {
        connections += 1;
        meters.openForwards.inc();
        const status = await forward(pair, (port, options) => line.dial(port, options), subject, stopping);
        meters.openForwards.dec();
        meters.forwards.inc({ status });
      },
    });
  } finally {
    meters.openStreams.dec({ route });
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    log.info({ device: key, user: call.user.name, durationMs, connections }, "port-forward ended");
  }
};

/** @throws RequestError, AccessError where the request cannot be upgraded */
function chooseServe(call: Call, request: IncomingMessage): Serve {
  if (wantsUpgrade(request, "websocket")) return chooseWebSocket(call, request);
  if (!wantsUpgrade(request, "spdy/3.1")) throw noKnownUpgrade();
  const offered = request.headersDistinct["x-stream-protocol-version"] ?? [];
  const protocol = negotiateProtocol(offered, [portForwardProtocol]);
  return (upgrade, forwarding) => {
    upgrade.socket.write(switchingToSpdy(protocol));
    return serveSpdy(upgrade.socket, upgrade.head, forwarding);
  };
}

function chooseWebSocket(call: Call, request: IncomingMessage): Serve {
  expectWebSocketRequest({ request });
  const offered = request.headersDistinct["sec-websocket-protocol"] ?? [];
  if (listedNames(offered).includes(tunnelProtocol))
    return async (upgrade, forwarding) => {
      const { clock } = forwarding.serving;
      const tunnel = await openTunnel(upgrade, { clock, onProtocolError: forwarding.onProtocolError });
      await serveSpdy(tunnel, new Uint8Array(0), forwarding);
    };
  const ports = parsePorts(call.query);
  const protocol = negotiateWebSocketProtocol(offered, channelProtocols);
  return (upgrade, { serving, serve, onProtocolError }) => {
    const { clock, meters } = serving;
    const onTimeout = (reason: TimeoutReason) => meters.streamTimeouts.inc({ reason });
    return serveChannelForwarding(upgrade, protocol, ports, { clock, serve, onProtocolError, onTimeout });
  };
}

function serveSpdy(
  socket: Upgrade["socket"],
  head: Uint8Array,
  { serving, serve, onProtocolError }: Forwarding,
): Promise<void> {
  const { clock, meters, stopping } = serving;
  const onRefused = (reason: string) => meters.streamRefusals.inc({ reason });
  const onTimeout = (reason: TimeoutReason) => meters.streamTimeouts.inc({ reason });
  return serveSpdyForwarding(socket, head, {
    clock,
    serve,
    stopping,
    onProtocolError,
    onRefused,
    onTimeout,
  });
}

import type { DeviceFacts } from "../../devices/device.ts";
import type { CommandSession } from "../../devices/verbs/command-session.ts";
import { messageOf, type ProtocolError } from "../../foundation/errors.ts";
import { chooseOpener } from "../../streaming/remotecommand/choose-opener.ts";
import { parseStreamOptions, type StreamOptions } from "../../streaming/remotecommand/protocols.ts";
import type { Upgrade } from "../../streaming/upgrade.ts";
import type { Call } from "../handlers.ts";
import { expectTarget } from "../pod-lookup.ts";
import type { Serving } from "../serving.ts";
import { runConversation } from "./conversation.ts";

/** The part in which exec and attach differ. */
export interface RemoteCommand {
  /** @throws UnavailableError if the device is not available now */
  readonly expectReady: (facts: DeviceFacts) => void;
  /** Starts the command of the route, with the streams that the client asked for. */
  readonly start: (
    streams: StreamOptions,
    options: { readonly signal: AbortSignal },
  ) => Promise<CommandSession>;
}

/**
 * The part that exec and attach share: checks the request while it can still be refused with a plain HTTP error,
 * upgrades it, and connects the client's streams with the session that `start` returns.
 * @throws RequestError, AccessError, UnavailableError before the upgrade
 */
export async function serveRemoteCommand(
  call: Call,
  serving: Serving,
  upgrade: Upgrade,
  { expectReady, start }: RemoteCommand,
): Promise<void> {
  const { clock, log, meters, stopping } = serving;
  const streams = parseStreamOptions(call.query);
  const facts = expectTarget(call).facts;
  const opener = chooseOpener(upgrade.request);
  expectReady(facts);

  const device = facts.key;
  const route = call.route.name;
  const startedMs = clock.monotonicMs();
  meters.openStreams.inc({ route });
  try {
    const remote = await opener.open(upgrade, streams, {
      clock,
      onProtocolError: (error) => noteBrokenProtocol(serving, device, error),
      onCrowd: () => meters.streamRefusals.inc({ reason: "STREAMS_TOO_MANY" }),
      onTimeout: (reason) => meters.streamTimeouts.inc({ reason }),
    });
    log.info({ device, route, user: call.user.name }, "remote command started");
    const exit = await runConversation((options) => start(streams, options), remote, stopping);
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    const { status: code, exitCode } = exit;
    log.info(
      { device, route, user: call.user.name, durationMs, code, exit: exitCode },
      "remote command ended",
    );
  } catch (error) {
    // The handshake has been answered: what is left to do is to note why nothing ran.
    log.warn({ device, route, err: messageOf(error) }, "remote command failed before it started");
    upgrade.socket.destroy();
  } finally {
    meters.openStreams.dec({ route });
  }
}

/** Counts and logs a protocol error of a client on its upgraded connection. */
export function noteBrokenProtocol({ log, meters }: Serving, device: string, error: ProtocolError): void {
  meters.protocolErrors.inc({ reason: error.code });
  log.warn({ device, code: error.code, err: error.message }, "client broke its streaming protocol");
}

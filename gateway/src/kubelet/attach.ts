import { RequestError } from "../foundation/errors.ts";
import { deviceContainer } from "../resources/virtual-pod.ts";
import type { StreamingHandler } from "./handlers.ts";
import { expectOnline, expectTarget } from "./pod-lookup.ts";
import { serveRemoteCommand } from "./remotecommand/remote-command.ts";

/**
 * `/attach`: the device's console, with lines of input and all its output. It has no exit code: leaving it counts as
 * success. A device that has only one stream prints errors on stdout. A board that hangs, or is in its boot loader, may
 * still use its serial line: attach works on that line although the device is offline.
 */
export const streamAttach: StreamingHandler = async (call, serving, upgrade) => {
  const { target } = call;
  if (target.kind === "peripheral")
    throw new RequestError(
      "ATTACH_PERIPHERAL",
      `container ${target.peripheral} is a peripheral of the device: it supports only exec; the console is in the container ${deviceContainer}`,
    );
  await serveRemoteCommand(call, serving, upgrade, {
    expectReady: (facts) => {
      if (!serving.attach.hasLine(facts.key)) expectOnline(facts);
    },
    start: ({ stdin, stdout, tty }, { signal }) =>
      serving.attach.attach(
        expectTarget(call).key,
        { stdin, stdout, tty },
        { signal, caller: call.user.name },
      ),
  });
};

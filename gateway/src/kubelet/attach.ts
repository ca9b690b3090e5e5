import { RequestError } from "../foundation/errors.ts";
import { deviceContainer } from "../resources/virtual-pod.ts";
import type { StreamingHandler } from "./handlers.ts";
import { expectOnline, expectTarget } from "./pod-lookup.ts";
import { serveRemoteCommand } from "./remotecommand/remote-command.ts";

/**
 * `/attach`: the device's console, input lines in and everything that it prints out. It has no exit code: whoever leaves
 * it gets success. A device that has one stream for everything prints on stdout. A board that hangs may still print on its
 * serial line, and listen there in its boot loader: its line is attached to although the device is offline.
 */
export const streamAttach: StreamingHandler = async (call, serving, upgrade) => {
  const { target } = call;
  if (target.kind === "peripheral")
    throw new RequestError(
      "ATTACH_PERIPHERAL",
      `container ${target.peripheral} is a peripheral of the device: it takes exec, the console is the container ${deviceContainer}'s`,
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

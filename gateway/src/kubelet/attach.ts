import type { StreamingHandler } from "./handlers.ts";
import { expectTarget } from "./pod-lookup.ts";
import { serveRemoteCommand } from "./remotecommand/serve.ts";

/**
 * `/attach`: the device's console, input lines in and everything that it prints out. It has no exit code: whoever leaves
 * it gets success. A device that has one stream for everything prints on stdout.
 */
export const streamAttach: StreamingHandler = (call, serving, upgrade) =>
  serveRemoteCommand(call, serving, upgrade, ({ stdin, stdout, tty }, options) =>
    serving.attach.attach(expectTarget(call).key, { stdin, stdout, tty }, options),
  );

import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { RigError } from "../rig/errors.ts";

/**
 * Below the range from which kernels give out ports to clients (Linux: 32768 and up): a server that is restarted on
 * its port must not find a connection of somebody there.
 */
const lowest = 20_000;
const highest = 32_000;
const attempts = 200;

/**
 * Finds ports of 127.0.0.1 on which nothing listens, all different.
 * They are free when they are found; who needs certainty retries when the bind fails.
 * @throws RigError NO_FREE_PORT
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    for (let attempt = 0; held.size < count; attempt++) {
      if (attempt >= attempts + count) {
        throw new RigError(
          "NO_FREE_PORT",
          `found ${held.size} of ${count} free ports in ${lowest}–${highest}`,
        );
      }
      const port = randomInt(lowest, highest);
      if (held.has(port)) continue;
      const server = await listen(port);
      if (server) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

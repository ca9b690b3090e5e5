/**
 * A process that takes OSCORE sequence numbers as fast as it gets them, and prints each: until somebody kills it.
 * Arguments: store file, URL of the API server.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../src/foundation/clock.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import { HttpKubeClient } from "../../src/kubeapi/client.ts";
import { SequenceBlocks } from "../../src/mirror/sequence-blocks.ts";
import { openStore } from "../../src/store/store.ts";
import { SequenceAllocator } from "../../src/transport/coap/oscore/sequence-allocator.ts";

const [storePath = "", apiUrl = ""] = process.argv.slice(2);
const metrics = new Metrics();
const store = openStore({ path: storePath, metrics });
const kube = new HttpKubeClient({
  credentials: { source: "a test", server: apiUrl, verify: true, token: async () => undefined },
  clock: systemClock,
  metrics,
});
const allocator = new SequenceAllocator({
  record: { wireId: "lamp", generation: 1, fingerprint: "00", secretUid: "s" },
  blocks: new SequenceBlocks(kube),
  keyValues: store.keyValues,
  clock: systemClock,
  random: Math.random,
  onRefused: (_record, reason) => {
    throw new RangeError(`refused: ${reason}`);
  },
});

// The gateway's own timers do not keep a process alive.
setInterval(() => {}, 60_000);
for (;;) {
  const sequence = allocator.take();
  if (sequence === undefined) await allocator.ready;
  else writeSync(1, `${sequence}\n`);
  // A take is synchronous: let writes end now and then.
  if (sequence !== undefined && sequence % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}

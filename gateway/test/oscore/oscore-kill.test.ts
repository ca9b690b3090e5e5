import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { soak } from "../../../profiles/test/soak.ts";
import { randomOf } from "../../src/transport/coap/oscore/oscore-test-bed.ts";
import { FakeApiServer } from "../fakes/fake-api-server.ts";

const kills = soak === 1 ? 8 : 100;
const taker = fileURLToPath(new URL("sequence-taker.ts", import.meta.url));

test(`a gateway that is killed ${kills} times, with and without API server and disk, prints no sequence number twice`, async () => {
  await using server = await new FakeApiServer().start();
  const folder = await mkdtemp(join(tmpdir(), "motelet-oscore-kill-"));
  const random = randomOf(9);
  const used = new Set<string>();
  let offline = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      // Without both it would wait; so the disk is lost only while the API server is there.
      const apiAway = kill % 4 === 1 || kill % 4 === 2;
      if (kill % 4 === 3) await rm(join(folder, "store"), { recursive: true, force: true });
      server.fault = apiAway ? () => ({ status: 500 }) : undefined;
      const child = spawn(
        process.execPath,
        [
          "--conditions=motelet-source",
          "--disable-warning=ExperimentalWarning",
          taker,
          join(folder, "store", "db"),
          server.url,
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      const wanted = 200 + random(6_000);
      let count = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        assert.ok(!used.has(line), `kill ${kill}: ${line} was used before`);
        used.add(line);
        if (++count === wanted) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      assert.equal(child.signalCode, "SIGKILL");
      assert.ok(count >= wanted);
      if (apiAway) offline += count;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  assert.ok(offline > 200, "the rest in the store served restarts");
});

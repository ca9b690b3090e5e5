import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { keyOf, MqttTestBed, rawConnect, rawSubscribe } from "./mqtt-test-bed.ts";

const missing = spawnSync("openssl", ["version"]).status !== 0 && "openssl is not installed";
const options = { timeout: 60_000, skip: missing };

/** `openssl s_client` that speaks MQTT as lamp. Its output is gathered until it ends or is killed. */
class OpensslClient implements Disposable {
  readonly #process: ChildProcess;
  readonly ended: Promise<unknown>;
  output = "";

  constructor(port: number, version: string, ...more: string[]) {
    const suites = version === "-tls1_3" ? ["-ciphersuites", "TLS_AES_128_GCM_SHA256"] : ["-cipher", "PSK"];
    const key = keyOf("lamp").toString("hex");
    this.#process = spawn(
      "openssl",
      [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        version,
        ...suites,
        "-psk",
        key,
        "-psk_identity",
        "lamp.1",
        ...more,
      ],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk) => {
        this.output += String(chunk);
      });
    }
    this.#process.stdin?.on("error", () => {});
    this.ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.stdin?.write(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")]));
  }

  /** A line that begins with R asks s_client for it. */
  renegotiate(): void {
    this.#process.stdin?.write("R\n");
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  test(
    `s_client ${version} comes in with its key and, once revoked, not with its old session`,
    options,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "motelet-openssl-"));
      const session = join(folder, "session.pem");
      try {
        await using bed = await MqttTestBed.start({}, { kind: "psk" });
        using first = new OpensslClient(bed.port, version, "-sess_out", session);
        await until("its channel is open", () => bed.channels.length === 1);
        // With TLS 1.3 the client saves what comes after the handshake.
        await until("the session is saved", () => existsSync(session));

        using again = new OpensslClient(bed.port, version, "-sess_in", session);
        await until("the session was not taken, the key was", () => bed.channels.length === 2);
        await first.ended;
        assert.equal(bed.channels[0]?.closedFor, "taken over");
        await until("it says so", () => /New, TLSv1|Reused, TLSv1/.test(again.output));
        // External keys count as reused in TLS 1.3; what matters is that the key was asked for again.
        if (version === "-tls1_2") assert.match(again.output, /New, TLSv1/);

        bed.revoke("lamp");
        await again.ended;
        assert.equal(bed.channels[1]?.closedFor, "revoked");
        using last = new OpensslClient(bed.port, version, "-sess_in", session);
        await last.ended;
        assert.equal(bed.channels.length, 2);
        await until("it is counted", async () => (await bed.refused("unknown-psk-identity")) === 1);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
}

test("s_client cannot negotiate again on an open connection", options, async () => {
  await using bed = await MqttTestBed.start({}, { kind: "psk" });
  using client = new OpensslClient(bed.port, "-tls1_2");
  await until("its channel is open", () => bed.channels.length === 1);
  client.renegotiate();
  await client.ended;
  assert.match(client.output, /no renegotiation/i);
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect, type SecureVersion } from "node:tls";
import { until } from "@motelet/testing";
import type { IClientOptions } from "mqtt";
import { CertificateFolder } from "../../../test/fakes/certificate-folder.ts";
import { ClientAuthority } from "../../../test/fakes/client-authority.ts";
import { ConfigError } from "../../foundation/errors.ts";
import { fateOf, MqttTestBed, next, rawConnect } from "./mqtt-test-bed.ts";
import type { MqttSecurity } from "./security.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const satisfies SecureVersion[];
const deadline = { timeout: 60_000 };
let folder: CertificateFolder;
before(async () => {
  folder = await CertificateFolder.create();
});
after(() => folder[Symbol.dispose]());

function security(more: { clientCaFile?: string } = {}): MqttSecurity {
  const { certFile, keyFile } = folder;
  return { kind: "tls", certFile, keyFile, ...more };
}

const mutual = () => security({ clientCaFile: folder.clientCaFile });

/** A client that checks the server's certificate. */
function trusting(version: SecureVersion = "TLSv1.3"): ConnectionOptions & IClientOptions {
  return {
    protocol: "mqtts",
    ca: folder.server.pem,
    minVersion: version,
    maxVersion: version,
  } as ConnectionOptions & IClientOptions;
}

for (const version of versions) {
  test(`${version}: a password over TLS opens a channel, a wrong one does not`, deadline, async () => {
    await using bed = await MqttTestBed.start({}, security());
    const { client, opened } = await bed.device("lamp", trusting(version));
    await client.publishAsync("m/lamp/u", "up");
    await until("it has arrived", () => opened.messages.length === 1);
    const error = await next(bed.client("lamp", { ...trusting(version), password: "guess" }), "error");
    assert.equal((error as { code: number }).code, 4);
    assert.equal(await bed.refused("wrong-password"), 1);
    assert.equal(opened.closedFor, undefined);
  });

  test(`${version}: no session is resumed`, deadline, async () => {
    await using bed = await MqttTestBed.start({}, security());
    let session: Buffer | undefined;
    for (let round = 0; round < 3; round++) {
      const socket = connect({
        ...(trusting(version) as ConnectionOptions),
        host: "127.0.0.1",
        port: bed.port,
        ...(session ? { session } : {}),
      });
      socket.on("session", (given) => {
        session = given;
      });
      socket.write(rawConnect("lamp"));
      await next(socket, "data");
      assert.equal(socket.isSessionReused(), false);
      session ??= socket.getSession();
      socket.destroy();
    }
  });

  test(`${version}: a client certificate proves the identity in its common name`, deadline, async () => {
    await using bed = await MqttTestBed.start({}, mutual());
    const certificate = await folder.clients.issue("lamp.1");
    const options = { ...trusting(version), ...certificate, username: undefined, password: undefined };
    const { opened } = await bed.device("lamp", options as unknown as IClientOptions);
    assert.deepEqual(opened.channel.identity, { kind: "wire-id", wireId: "lamp", generation: 1 });
    assert.deepEqual(bed.claims, []);
  });

  test(`${version}: certificates that prove nothing are refused before MQTT begins`, deadline, async () => {
    await using bed = await MqttTestBed.start({}, mutual());
    const { clients, server } = folder;
    const stranger = await ClientAuthority.create();
    const wrong: [string, ConnectionOptions][] = [
      ["none at all", {}],
      ["one of a stranger's CA", await stranger.issue("lamp.1")],
      ["one of the server's CA", await server.issue("lamp.1")],
      ["one for servers", await clients.issue("lamp.1", [], { use: "server" })],
      ["an ended one", await clients.issue("lamp.1", [], { endsMs: Date.now() - 1_000 })],
      ["one without generation", await clients.issue("lamp")],
      ["one of something else", await clients.issue("Lamp 1")],
      ["one without name", await clients.issue("")],
    ];
    for (const [index, [what, certificate]] of wrong.entries()) {
      const socket = connect({
        ...(trusting(version) as ConnectionOptions),
        ...certificate,
        host: "127.0.0.1",
        port: bed.port,
      });
      socket.write(rawConnect("lamp"));
      await fateOf(socket);
      assert.equal(await bed.refused("client-certificate"), index + 1, what);
    }
    assert.deepEqual(bed.claims, []);
    assert.equal(bed.channels.length, 0);
    assert.match(String(bed.logLines("client-certificate")[1]?.err), /CERT_SIGNATURE_FAILURE/);
  });
}

test(
  "a good certificate does not let in whom its generation, user name or client id does not",
  deadline,
  async () => {
    await using bed = await MqttTestBed.start({}, mutual());
    const cases: [string, IClientOptions, string, number][] = [
      ["lamp.2", { username: "lamp.2" }, "wrong-generation", 4],
      ["lamp.1", { username: "lamp.2" }, "user-name", 4],
      ["lamp.1", { username: "door.1", clientId: "door" }, "user-name", 4],
      ["lamp.1", { clientId: "door" }, "client-id", 2],
      ["nobody.1", { username: "nobody.1", clientId: "nobody" }, "unknown-id", 4],
    ];
    for (const [name, options, reason, code] of cases) {
      const certificate = await folder.clients.issue(name);
      const client = bed.client("lamp", { ...trusting(), ...certificate, ...options });
      const before = await bed.refused(reason);
      assert.equal(((await next(client, "error")) as { code: number }).code, code, name);
      assert.equal(await bed.refused(reason), before + 1, reason);
    }
  },
);

test("a revoked device with a certificate is disconnected and stays out", deadline, async () => {
  await using bed = await MqttTestBed.start({}, mutual());
  const certificate = await folder.clients.issue("lamp.1");
  const { client, opened } = await bed.device("lamp", { ...trusting(), ...certificate });
  const gone = next(client, "close");
  bed.revoke("lamp");
  await gone;
  assert.equal(opened.closedFor, "revoked");
  const error = await next(bed.client("lamp", { ...trusting(), ...certificate }), "error");
  assert.equal((error as { code: number }).code, 4);
});

test("TLS 1.1 is refused", deadline, async () => {
  await using bed = await MqttTestBed.start({}, security());
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await fateOf(connect({ ...old, ca: folder.server.pem, host: "127.0.0.1", port: bed.port }));
  assert.equal(await bed.refused("handshake"), 1);
});

test("replaced certificate files are used for new connections, unusable ones are not", deadline, async () => {
  await using bed = await MqttTestBed.start({ certificateReloadMs: 20 }, security());
  const reloads = (result: string) =>
    bed.metrics.valueOf("motelet_mqtt_certificate_reloads_total", { result });
  const servedName = async () => {
    const options = trusting() as ConnectionOptions;
    const socket = connect({ ...options, host: "127.0.0.1", port: bed.port });
    await next(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  const { opened } = await bed.device("lamp", trusting());
  assert.equal(await servedName(), "gateway.example");

  await folder.renew("renewed.example");
  await until("it is in use", async () => (await servedName()) === "renewed.example");
  await until("it is counted", async () => (await reloads("used")) >= 1);

  const failedBefore = await reloads("failed");
  writeFileSync(folder.certFile, "half a certif");
  await until("it is counted", async () => (await reloads("failed")) > failedBefore);
  const { key } = await folder.server.issue("other.example");
  await folder.renew("mismatch.example");
  writeFileSync(folder.keyFile, key);
  await until("it is counted", async () => (await reloads("failed")) > failedBefore + 1);
  assert.match(String(await servedName()), /renewed|mismatch/);
  await folder.renew();
  await until("it is in use", async () => (await servedName()) === "gateway.example");
  assert.equal(opened.closedFor, undefined);
});

test("a listener whose certificate cannot be used does not start", deadline, async () => {
  const { certFile, keyFile } = folder;
  for (const files of [
    { certFile: `${certFile}.missing`, keyFile },
    { certFile: keyFile, keyFile },
    { certFile, keyFile: certFile },
    { certFile, keyFile, clientCaFile: keyFile },
  ]) {
    await assert.rejects(MqttTestBed.start({}, { kind: "tls", ...files }), ConfigError);
  }
});

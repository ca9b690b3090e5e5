import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { CertificateFolder } from "../../../test/fakes/certificate-folder.ts";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { ConfigError } from "../../foundation/errors.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { declareCertificateMeters } from "./certificate-meters.ts";
import { ClientCaFile } from "./client-ca-file.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

const deadline = { timeout: 60_000 };
const log = createLogger({ level: "silent" });

test("changed files are served, bad ones are not", deadline, async () => {
  using folder = await CertificateFolder.create();
  const { certFile, keyFile } = folder;
  const [clock, metrics] = [new ManualClock(), new Metrics()];
  const meters = declareCertificateMeters(metrics);
  const changes: ServingCertificate[] = [];
  using files = new CertificateFiles({ certFile, keyFile, clock, log, meters, intervalMs: 1_000 });
  const first = await files.start((certificate) => changes.push(certificate));
  assert.match(first.certPem, /BEGIN CERTIFICATE/);
  const reloads = (outcome: string) =>
    metrics.valueOf("motelet_kubelet_certificate_reloads_total", { outcome });
  await folder.renew("second.example");
  await clock.advanceUntil("a change", () => changes.some(({ certPem }) => certPem !== first.certPem));
  const ok = await reloads("ok");
  writeFileSync(certFile, "no certificate");
  await clock.advanceUntil("a failure", async () => (await reloads("failed")) > 0);
  rmSync(keyFile);
  await clock.advanceUntil("more failures", async () => (await reloads("failed")) > 2);
  assert.equal(await reloads("ok"), ok);
  await folder.renew("third.example");
  await clock.advanceUntil("a reload", async () => (await reloads("ok")) > ok);
});

test("files that are no certificate and its key are refused at the start", deadline, async () => {
  using folder = await CertificateFolder.create();
  const { certFile, keyFile, clientCaFile } = folder;
  const meters = declareCertificateMeters(new Metrics());
  const open = (cert: string, key: string) =>
    new CertificateFiles({ certFile: cert, keyFile: key, clock: new ManualClock(), log, meters }).start(
      () => undefined,
    );
  await assert.rejects(open(clientCaFile, keyFile), ConfigError);
  await assert.rejects(open(`${certFile}.absent`, keyFile), ConfigError);
});

test("a changed client CA is handed on; where it cannot be used that is counted", deadline, async () => {
  using folder = await CertificateFolder.create();
  const [clock, metrics] = [new ManualClock(), new Metrics()];
  const meters = declareCertificateMeters(metrics);
  using file = new ClientCaFile({ path: folder.clientCaFile, clock, log, meters, intervalMs: 1_000 });
  assert.equal(file.read(), folder.clients.pem);
  const used: string[] = [];
  file.watch((pem) => {
    if (pem === "bad") throw new ConfigError("CLIENT_CA", "the client CA has no certificate");
    used.push(pem);
  });
  writeFileSync(folder.clientCaFile, folder.server.pem);
  await clock.advanceUntil("a change", () => used.length === 1);
  assert.deepEqual(used, [folder.server.pem]);
  writeFileSync(folder.clientCaFile, "bad");
  const failed = () => metrics.valueOf("motelet_kubelet_certificate_reloads_total", { outcome: "failed" });
  await clock.advanceUntil("a failure", async () => (await failed()) === 1);
});

// The certificate library is built with decorators and wants this first.
import "reflect-metadata";
import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { setImmediate as breathe } from "node:timers/promises";
import * as x509 from "@peculiar/x509";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { SigningAuthority } from "../../../test/fakes/signing-authority.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import { openStore } from "../../store/store.ts";
import { declareCertificateMeters } from "./certificate-meters.ts";
import { forgetCertificate, noCertificate, storedCertificate } from "./certificate-records.ts";
import { CsrCertificate, type CsrCertificateOptions } from "./csr-certificate.ts";
import { type ServingCertificate, servingSubject } from "./serving-certificate.ts";

const deadline = { timeout: 60_000 };
const subject = servingSubject("motelet", ["10.1.2.3"]);

class Asking implements Disposable {
  readonly clock = new ManualClock();
  readonly authority = new SigningAuthority(this.clock);
  readonly metrics = new Metrics();
  readonly lines: Record<string, unknown>[] = [];
  readonly store = openStore({ path: ":memory:", metrics: this.metrics });
  readonly changes: ServingCertificate[] = [];
  readonly pace = new TokenBucket({ burst: 10, refillMs: 1_000 }, 0);
  readonly #meters = declareCertificateMeters(this.metrics);
  #source: CsrCertificate | undefined;

  async start(overrides: Partial<CsrCertificateOptions> = {}): Promise<ServingCertificate> {
    this.#source = new CsrCertificate({
      subject,
      records: storedCertificate(this.store.keyValues, "all"),
      pace: this.pace,
      kube: this.authority,
      clock: this.clock,
      log: createLogger({
        level: "debug",
        destination: { write: (line: string) => void this.lines.push(JSON.parse(line)) },
      }),
      meters: this.#meters,
      random: () => 0.5,
      ...overrides,
    });
    return this.#source.start((certificate) => this.changes.push(certificate));
  }

  async asked(count = 1): Promise<void> {
    await this.clock.advanceUntil(`${count} requests`, () => this.authority.asked.length >= count);
  }

  stop(): void {
    this.#source?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.stop();
    this.store[Symbol.dispose]();
  }

  messages(level: string): unknown[] {
    return this.lines.filter((line) => line.level === level).map(({ msg }) => msg);
  }
}

test(
  "it asks in the signer's shape, serves self-signed meanwhile, then what was signed",
  deadline,
  async () => {
    using asking = new Asking();
    const first = await asking.start({ expirationSeconds: 600 });
    const own = new X509Certificate(first.certPem);
    assert.equal(own.issuer, own.subject);
    await asking.asked();
    const { metadata, spec } = asking.authority.newest;
    assert.match(metadata.name, /^motelet-serving-all-[0-9a-z]+$/);
    assert.equal(spec.signerName, "kubernetes.io/kubelet-serving");
    assert.deepEqual(spec.usages, ["digital signature", "server auth"]);
    assert.equal(spec.expirationSeconds, 600);
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(spec.request, "base64").toString());
    assert.equal(request.subject, "O=system:nodes, CN=system:node:motelet");
    assert.ok(await request.verify());
    const extension = request.getExtension("2.5.29.17");
    assert.ok(extension);
    const { names } = new x509.SubjectAlternativeNameExtension(extension.rawData);
    assert.deepEqual(names.toJSON(), [{ type: "ip", value: "10.1.2.3" }]);

    await asking.clock.advanceUntil("a few looks", () => asking.clock.monotonicMs() > 10_000);
    assert.equal(await asking.metrics.valueOf("motelet_kubelet_certificate_requests_waiting"), 1);
    assert.equal(asking.changes.length, 0);
    await asking.authority.sign();
    await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
    const [issued] = asking.changes;
    const leaf = new X509Certificate(issued?.certPem ?? "");
    assert.equal(leaf.issuer, "CN=cluster");
    assert.ok(createPublicKey(issued?.keyPem ?? "").equals(leaf.publicKey));
    assert.equal(
      await asking.metrics.valueOf("motelet_kubelet_certificate_requests_total", { outcome: "issued" }),
      1,
    );
    assert.equal(await asking.metrics.valueOf("motelet_kubelet_certificate_requests_waiting"), 0);
    assert.ok(!JSON.stringify(asking.lines).includes("PRIVATE KEY"));
  },
);

test("the next one is asked for at four fifths of the life, with another key", deadline, async () => {
  using asking = new Asking();
  await asking.start({ expirationSeconds: 600 });
  await asking.asked();
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
  const issuedMs = new X509Certificate(asking.changes[0]?.certPem ?? "").validFromDate.getTime();
  await asking.asked(2);
  const ageMs = asking.clock.wallMs() - issuedMs;
  assert.ok(ageMs >= 480_000 && ageMs < 580_000, `asked after ${ageMs} ms`);
  await asking.authority.sign();
  await asking.clock.advanceUntil("the next one", () => asking.changes.length === 2);
  assert.notEqual(asking.changes[1]?.keyPem, asking.changes[0]?.keyPem);
});

test("a certificate of a year is renewed in its ninth or tenth month, not at once", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
  const day = 86_400_000;
  await asking.clock.advanceUntil("the rotation", () => asking.authority.asked.length === 2, day / 4);
  const days = asking.clock.monotonicMs() / day;
  assert.ok(days > 280 && days < 300, `after ${days} days`);
});

test("a restart serves what was signed, and asks for nothing", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
  asking.stop();
  const again = await asking.start();
  assert.deepEqual(again, asking.changes[0]);
  asking.clock.advance(3_600_000);
  await breathe();
  assert.equal(asking.authority.asked.length, 1);
});

test("what is kept of a Node's certificate goes with the Node", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  const { keyValues, database } = asking.store;
  database.flush();
  assert.ok(storedCertificate(keyValues, "all").read().pending);
  await forgetCertificate(keyValues, "all");
  assert.deepEqual(storedCertificate(keyValues, "all").read(), noCertificate);
});

test("a restart while a request waits goes on waiting for that one", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  asking.stop();
  await asking.start();
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length >= 1);
  assert.equal(asking.authority.asked.length, 1);
});

test("another address makes a stored certificate and a waiting request void", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  asking.stop();
  const moved = servingSubject("motelet", ["10.9.9.9"]);
  const own = new X509Certificate((await asking.start({ subject: moved })).certPem);
  assert.equal(own.checkIP("10.9.9.9"), "10.9.9.9");
  await asking.asked(2);
});

for (const [type, outcome] of [
  ["Denied", "denied"],
  ["Failed", "failed"],
] as const) {
  test(
    `a request that was ${outcome} is told, counted, and asked again later and later`,
    deadline,
    async () => {
      using asking = new Asking();
      await asking.start();
      const gapsMs: number[] = [];
      for (let attempt = 1; attempt <= 4; attempt++) {
        await asking.asked(attempt);
        asking.authority.judge(type, "Policy", "not here");
        const judgedMs = asking.clock.monotonicMs();
        if (attempt < 4) await asking.asked(attempt + 1);
        gapsMs.push(asking.clock.monotonicMs() - judgedMs);
      }
      assert.ok(gapsMs[0]! >= 27_000 && gapsMs[1]! >= 54_000 && gapsMs[2]! >= 108_000, String(gapsMs));
      const warning = asking.lines.find(({ msg }) => msg === "no kubelet certificate from the cluster");
      assert.match(String(warning?.err), new RegExp(`was ${outcome}: Policy: not here`));
      assert.ok(
        (await asking.metrics.valueOf("motelet_kubelet_certificate_requests_total", { outcome })) >= 3,
      );
      assert.equal(asking.changes.length, 0);
    },
  );
}

test("the wait between two requests never grows beyond an hour", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  let lastMs = 0;
  for (let attempt = 1; attempt <= 12; attempt++) {
    await asking.clock.advanceUntil("a request", () => asking.authority.asked.length >= attempt, 30_000);
    assert.ok(asking.clock.monotonicMs() - lastMs < 4_200_000);
    lastMs = asking.clock.monotonicMs();
    asking.authority.judge("Denied", "", "");
  }
});

test("who must approve is reminded after a minute and then every hour", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.clock.advanceUntil("three hours", () => asking.clock.monotonicMs() > 3 * 3_600_000, 10_000);
  const reminders = asking
    .messages("warn")
    .filter((text) => text === "kubelet certificate waits for approval");
  assert.equal(reminders.length, 3);
});

test(
  "a request that the cluster forgot, and one whose answer was lost, are no dead ends",
  deadline,
  async () => {
    using asking = new Asking();
    asking.authority.losesAnswer = true;
    await asking.start();
    await asking.asked();
    asking.authority.losesAnswer = false;
    asking.authority.forget();
    await asking.asked(2);
    await asking.authority.sign();
    await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
  },
);

test("an API server that is away, and a missing right, are waited out", deadline, async () => {
  using asking = new Asking();
  asking.authority.mayAsk = false;
  await asking.start();
  await asking.clock.advanceUntil("a warning", () => asking.messages("warn").length > 0);
  asking.authority.mayAsk = true;
  await asking.asked();
  asking.authority.isDown = true;
  await asking.clock.advanceUntil("a few looks", () => asking.messages("debug").length > 3);
  asking.authority.isDown = false;
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
  assert.equal(
    await asking.metrics.valueOf("motelet_kubelet_certificate_requests_total", { outcome: "refused" }),
    1,
  );
});

test("a certificate that does not name the address is not served", deadline, async () => {
  using asking = new Asking();
  await asking.start();
  await asking.asked();
  await asking.authority.sign({ addresses: ["10.0.0.1"] });
  await asking.asked(2);
  assert.equal(asking.changes.length, 0);
  assert.equal(
    await asking.metrics.valueOf("motelet_kubelet_certificate_requests_total", { outcome: "unusable" }),
    1,
  );
  await asking.authority.sign();
  await asking.clock.advanceUntil("the certificate", () => asking.changes.length === 1);
});

test("many listeners ask no faster than their pace", deadline, async () => {
  using asking = new Asking();
  const pace = new TokenBucket({ burst: 2, refillMs: 5_000 }, 0);
  const sources = Array.from({ length: 5 }, (_, index) => `lamp-${index}`);
  for (const nodeName of sources)
    await asking.start({
      pace,
      nodeName,
      subject: servingSubject(nodeName, ["10.1.2.3"]),
      records: storedCertificate(asking.store.keyValues, nodeName),
    });
  await asking.asked(2);
  assert.ok(asking.clock.monotonicMs() < 2_000);
  await asking.asked(5);
  assert.ok(asking.clock.monotonicMs() >= 15_000);
});

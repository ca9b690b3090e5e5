import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { ConfigError } from "../../foundation/errors.ts";
import { selfSignedCertificate } from "./self-signed.ts";
import { servingSubject } from "./serving-certificate.ts";

const nowMs = Date.parse("2026-11-21T12:00:00Z");

test("the certificate names addresses and DNS names, and is one of a node", async () => {
  const addresses = ["10.1.2.3", "fd00::1:2", "::1", "2001:db8:0:1:2:3:4:5"];
  const subject = servingSubject("motelet", addresses, ["motelet.example"]);
  const { certPem, keyPem } = await selfSignedCertificate({ subject, nowMs });
  const certificate = new X509Certificate(certPem);
  assert.equal(certificate.subject, "O=system:nodes\nCN=system:node:motelet");
  assert.equal(certificate.issuer, certificate.subject);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)));
  assert.equal(certificate.ca, false);
  for (const address of addresses) assert.equal(certificate.checkIP(address), address);
  assert.equal(certificate.checkIP("10.1.2.4"), undefined);
  assert.equal(certificate.checkHost("motelet.example"), "motelet.example");
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  assert.equal(certificate.validFromDate.toISOString(), "2026-11-21T11:00:00.000Z");
  assert.equal(certificate.validToDate.toISOString(), "2036-11-18T12:00:00.000Z");
  createSecureContext({ cert: certPem, key: keyPem });
});

test("a certificate that ends after 2049 has its end in four digits of a year", async () => {
  const { certPem } = await selfSignedCertificate({
    subject: servingSubject("motelet", ["::1"]),
    nowMs,
    validDays: 36_500,
  });
  assert.equal(new X509Certificate(certPem).validToDate.getUTCFullYear(), 2126);
});

for (const [what, addresses] of [
  ["no name", []],
  ["a host name among the addresses", ["motelet.example"]],
  ["an address with a zone", ["fe80::1%eth0"]],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => servingSubject("motelet", addresses), ConfigError);
  });
}

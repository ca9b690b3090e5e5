import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { CertificateFolder } from "../../../test/fakes/certificate-folder.ts";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { ReviewKubeClient } from "../../../test/fakes/review-kube-client.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { openStore } from "../../store/store.ts";
import { ServingCertificates, type ServingCertificatesOptions } from "./serving-certificates.ts";

const metrics = new Metrics();

function make(overrides: Partial<ServingCertificatesOptions>): ServingCertificates {
  return new ServingCertificates({
    mode: "self-signed",
    address: "10.1.2.3",
    certFile: "",
    keyFile: "",
    lifetimeS: 0,
    kube: new ReviewKubeClient(),
    keyValues: openStore({ path: ":memory:", metrics: new Metrics() }).keyValues,
    clock: new ManualClock(),
    log: createLogger({ level: "silent" }),
    metrics: new Metrics(),
    ...overrides,
  });
}

test("each listener has its Node's name in its certificate, and the end of each is shown", async () => {
  const certificates = make({ metrics });
  for (const [nodeName, name] of [
    [undefined, "system:node:motelet"],
    ["lamp", "system:node:lamp"],
  ] as const) {
    using source = certificates.sourceOf(nodeName);
    const { certPem } = await source.start(() => undefined);
    const leaf = new X509Certificate(certPem);
    assert.match(leaf.subject, new RegExp(`CN=${name}$`));
    assert.equal(leaf.checkIP("10.1.2.3"), "10.1.2.3");
    const end = await metrics.valueOf("motelet_kubelet_certificate_end_timestamp_seconds", {
      node: nodeName ?? "",
    });
    assert.equal(end, leaf.validToDate.getTime() / 1000);
  }
  certificates.forget("lamp");
  assert.equal(
    await metrics.valueOf("motelet_kubelet_certificate_end_timestamp_seconds", { node: "lamp" }),
    0,
  );
});

test("mounted files are what all listeners serve with", async () => {
  using folder = await CertificateFolder.create();
  const { certFile, keyFile } = folder;
  using source = make({ mode: "files", certFile, keyFile }).sourceOf("lamp");
  assert.match((await source.start(() => undefined)).certPem, /BEGIN CERTIFICATE/);
});

for (const [what, options, code] of [
  ["files without their names", { mode: "files", certFile: "a" }, "KUBELET_CERTIFICATE_FILES"],
  ["names of files in another mode", { certFile: "a", keyFile: "b" }, "KUBELET_CERTIFICATE_FILES"],
  ["a lifetime of 599 s", { mode: "csr", lifetimeS: 599 }, "KUBELET_CERTIFICATE_LIFETIME"],
] as const) {
  test(`${what}: refused`, () => {
    assert.throws(() => make(options), { code });
  });
}

test("a lifetime of 600 s is taken", () => {
  assert.doesNotThrow(() => make({ mode: "csr", lifetimeS: 600 }));
});

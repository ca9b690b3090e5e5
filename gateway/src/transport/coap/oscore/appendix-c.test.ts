import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { aadArray, buildAad, buildNonce } from "./aead.ts";
import { noBytes, optionOf } from "./coap-message.ts";
import { splitOptions } from "./option-split.ts";
import { encodePartialIv } from "./oscore-option.ts";
import { formatDatagram, hex, parseDatagram, toHex } from "./oscore-test-bed.ts";
import { encodePlaintext } from "./plaintext.ts";
import {
  protectRequest,
  protectResponse,
  readOscoreOption,
  unprotectRequest,
  unprotectResponse,
} from "./protection.ts";
import { derivationInfo, deriveContext } from "./security-context.ts";

interface Derivation {
  readonly section: string;
  readonly role: "client" | "server";
  readonly masterSecret: string;
  readonly masterSalt?: string;
  readonly senderId: string;
  readonly recipientId: string;
  readonly idContext?: string;
  readonly senderInfo: string;
  readonly recipientInfo: string;
  readonly ivInfo: string;
  readonly senderKey: string;
  readonly recipientKey: string;
  readonly commonIv: string;
  readonly senderNonce: string;
  readonly recipientNonce: string;
}

interface Message {
  readonly section: string;
  readonly kind: "request" | "response";
  readonly context: string;
  readonly request?: string;
  readonly unprotected: string;
  readonly sequence: number;
  readonly partialIv?: string;
  readonly kid?: string;
  readonly kidContext?: string;
  readonly aadArray: string;
  readonly aad: string;
  readonly plaintext: string;
  readonly nonce: string;
  readonly option: string;
  readonly ciphertext: string;
  readonly protected: string;
}

const file = new URL("../../../../../profiles/vectors/oscore.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  readonly derivation: readonly Derivation[];
  readonly messages: readonly Message[];
};

function contextOf(section: string, role: Derivation["role"]) {
  const row = vectors.derivation.find(
    (candidate) => candidate.section.startsWith(section) && candidate.role === role,
  );
  assert.ok(row, `${section} has no ${role}`);
  return deriveContext({
    masterSecret: hex(row.masterSecret),
    ...(row.masterSalt === undefined ? {} : { masterSalt: hex(row.masterSalt) }),
    senderId: hex(row.senderId),
    recipientId: hex(row.recipientId),
    ...(row.idContext === undefined ? {} : { idContext: hex(row.idContext) }),
  });
}

test("Appendix C has six derivations and five messages here", () => {
  assert.deepEqual([vectors.derivation.length, vectors.messages.length], [6, 5]);
});

for (const row of vectors.derivation) {
  test(`${row.section}: keys, Common IV and nonces of the ${row.role} have the bytes of the RFC`, () => {
    const [sender, recipient] = [hex(row.senderId), hex(row.recipientId)];
    const idContext = row.idContext === undefined ? undefined : hex(row.idContext);
    const context = contextOf(row.section, row.role);
    const zero = encodePartialIv(0);
    assert.deepEqual(
      {
        senderInfo: toHex(derivationInfo(sender, idContext, "Key", 16)),
        recipientInfo: toHex(derivationInfo(recipient, idContext, "Key", 16)),
        ivInfo: toHex(derivationInfo(noBytes, idContext, "IV", 13)),
        senderKey: toHex(context.senderKey.export()),
        recipientKey: toHex(context.recipientKey.export()),
        commonIv: toHex(context.commonIv),
        senderNonce: toHex(buildNonce(sender, zero, context.commonIv)),
        recipientNonce: toHex(buildNonce(recipient, zero, context.commonIv)),
      },
      {
        senderInfo: row.senderInfo,
        recipientInfo: row.recipientInfo,
        ivInfo: row.ivInfo,
        senderKey: row.senderKey,
        recipientKey: row.recipientKey,
        commonIv: row.commonIv,
        senderNonce: row.senderNonce,
        recipientNonce: row.recipientNonce,
      },
    );
  });
}

for (const row of vectors.messages) {
  const request =
    row.kind === "request" ? row : vectors.messages.find(({ section }) => section === row.request);
  assert.ok(request);
  const binding = { kid: hex(request.kid ?? ""), partialIv: hex(request.partialIv ?? "") };
  const { head, message } = parseDatagram(row.unprotected);
  const protectedMessage = parseDatagram(row.protected).message;

  test(`${row.section}: protecting the ${row.kind} gives the bytes of the RFC`, () => {
    const isRequest = row.kind === "request";
    const context = contextOf(row.context, isRequest ? "client" : "server");
    const sequence = row.partialIv === undefined ? undefined : row.sequence;
    const sent = isRequest
      ? protectRequest(context, message, row.sequence).message
      : protectResponse(context, message, binding, sequence);
    const iv = row.partialIv === undefined ? binding.partialIv : hex(row.partialIv);
    const ivHolder = row.partialIv === undefined ? binding.kid : context.senderId;
    const { inner } = splitOptions(message, row.kind);
    assert.deepEqual(
      {
        aadArray: toHex(aadArray(binding.kid, binding.partialIv)),
        aad: toHex(buildAad(binding.kid, binding.partialIv)),
        plaintext: toHex(encodePlaintext({ ...message, options: inner })),
        nonce: toHex(buildNonce(ivHolder, iv, context.commonIv)),
        option: toHex(optionOf(sent, 9) ?? noBytes),
        ciphertext: toHex(sent.payload),
        protected: formatDatagram(head, sent),
      },
      {
        aadArray: row.aadArray,
        aad: row.aad,
        plaintext: row.plaintext,
        nonce: row.nonce,
        option: row.option,
        ciphertext: row.ciphertext,
        protected: row.protected,
      },
    );
  });

  test(`${row.section}: the peer reads the ${row.kind} from the bytes of the RFC`, () => {
    const context = contextOf(row.context, row.kind === "request" ? "server" : "client");
    const read = readOscoreOption(protectedMessage);
    assert.ok(read.ok);
    const result =
      row.kind === "request"
        ? unprotectRequest(context, protectedMessage, read.option)
        : unprotectResponse(context, protectedMessage, binding);
    assert.ok(result.ok);
    assert.equal(formatDatagram(head, result.message), row.unprotected);
    if (row.partialIv !== undefined) assert.equal(result.sequence, row.sequence);
    assert.deepEqual(read.option.kidContext && toHex(read.option.kidContext), row.kidContext);
  });
}

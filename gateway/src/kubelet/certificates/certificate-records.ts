import type { KeyValues } from "../../store/key-values.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

/** The stored certificate of a listener. */
export interface CertificateRecord {
  readonly issued: ServingCertificate | undefined;
  /** A pending request, with its key. */
  readonly pending:
    | {
        /** Of the CertificateSigningRequest. */
        readonly name: string;
        readonly keyPem: string;
        /** What it asks to certify, as JSON. */
        readonly subject: string;
      }
    | undefined;
}

export const noCertificate: CertificateRecord = { issued: undefined, pending: undefined };

export interface CertificateRecords {
  read(): CertificateRecord;
  write(record: CertificateRecord): Promise<void>;
}

const keyOf = (name: string) => `serving-certificate/${name}`;

/**
 * Keeps a record in the embedded store: each replica has its own address and so its own certificate, and the gateway
 * needs no right to write Secrets for it. Only the owner can read the store's file.
 */
export function storedCertificate(keyValues: KeyValues, name: string): CertificateRecords {
  const key = keyOf(name);
  return {
    read: () => {
      const stored = keyValues.get(key) as Partial<CertificateRecord> | undefined;
      return { issued: stored?.issued, pending: stored?.pending };
    },
    write: (record) => keyValues.put(key, record),
  };
}

/** Deletes the record of a Node that no longer exists. */
export function forgetCertificate(keyValues: KeyValues, name: string): Promise<void> {
  return keyValues.delete(keyOf(name));
}

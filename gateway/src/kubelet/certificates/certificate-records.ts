import type { KeyValues } from "../../store/key-values.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

/** What is kept of a listener's certificate. */
export interface CertificateRecord {
  readonly issued: ServingCertificate | undefined;
  /** A request that is under way, with the key that it is for. */
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
 * Keeps a record in the embedded store: each replica has an address of its own and so a certificate of its own, and the
 * gateway needs no right to write Secrets for it. The store's file is readable by its owner alone.
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

/** What was kept for a Node is of no use when the Node is gone. */
export function forgetCertificate(keyValues: KeyValues, name: string): Promise<void> {
  return keyValues.delete(keyOf(name));
}

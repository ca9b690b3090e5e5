/** A float at its sender's width, kept as a bit pattern so that NaN payloads and widths survive (SPEC §2.1). */
export class CborFloat {
  readonly width: 32 | 64;
  readonly bits: bigint;

  constructor(width: 32 | 64, bits: bigint) {
    this.width = width;
    this.bits = bits;
  }

  static of32(value: number): CborFloat {
    scratch.setFloat32(0, value);
    return new CborFloat(32, BigInt(scratch.getUint32(0)));
  }

  static of64(value: number): CborFloat {
    scratch.setFloat64(0, value);
    return new CborFloat(64, scratch.getBigUint64(0));
  }

  get value(): number {
    scratch.setBigUint64(0, this.width === 32 ? this.bits << 32n : this.bits);
    return this.width === 32 ? scratch.getFloat32(0) : scratch.getFloat64(0);
  }
}

/** The supported values: integers are numbers while they are safe, else bigint (SPEC §2.1). */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | CborFloat
  | readonly CborValue[]
  | ReadonlyMap<number, CborValue>;

export type CborErrorCode =
  | "CBOR_TRUNCATED"
  | "CBOR_TRAILING"
  | "CBOR_NOT_SHORTEST"
  | "CBOR_INDEFINITE"
  | "CBOR_RESERVED"
  | "CBOR_TAG"
  | "CBOR_FLOAT16"
  | "CBOR_SIMPLE"
  | "CBOR_KEY_TYPE"
  | "CBOR_KEY_ORDER"
  | "CBOR_UTF8"
  | "CBOR_DEPTH"
  | "CBOR_UNENCODABLE";

/** A fault in CBOR bytes, or a value that is not in the subset (SPEC §2.3). */
export class CborError extends Error {
  readonly code: CborErrorCode;
  /** Where the faulty item begins, in bytes. */
  readonly offset: number;

  constructor(code: CborErrorCode, message: string, offset: number) {
    super(message);
    this.name = "CborError";
    this.code = code;
    this.offset = offset;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

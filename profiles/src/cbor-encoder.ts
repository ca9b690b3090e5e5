import { CborError, CborFloat, type CborValue } from "./cbor.ts";
import { limits } from "./limits.ts";

const utf8Encoder = new TextEncoder();
const maxUint64 = 0xffff_ffff_ffff_ffffn;

/**
 * Encodes one value deterministically (SPEC §2.1).
 * @throws CborError CBOR_UNENCODABLE for a value outside the subset, CBOR_DEPTH below depth 4
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new Writer();
  writer.value(value, 1);
  return writer.finish();
}

class Writer {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  value(value: CborValue, depth: number): void {
    switch (typeof value) {
      case "number":
        if (!Number.isSafeInteger(value) || Object.is(value, -0))
          throw this.#unencodable(`the number ${value}: wrap floats in CborFloat`);
        if (value >= 0) this.#head(0, value);
        else this.#head(1, -1 - value);
        return;
      case "bigint": {
        const magnitude = value >= 0n ? value : -1n - value;
        if (magnitude > maxUint64) throw this.#unencodable(`the integer ${value}: more than 64 bits`);
        this.#head(value >= 0n ? 0 : 1, magnitude);
        return;
      }
      case "string": {
        if (!value.isWellFormed()) throw this.#unencodable("a text with a lone surrogate");
        const text = utf8Encoder.encode(value);
        this.#head(3, text.length);
        this.#append(text);
        return;
      }
      case "boolean":
        this.#byte(value ? 0xf5 : 0xf4);
        return;
      case "object":
        break;
      default:
        throw this.#unencodable(`a ${typeof value}`);
    }
    if (value === null) {
      this.#byte(0xf6);
    } else if (value instanceof Uint8Array) {
      this.#head(2, value.length);
      this.#append(value);
    } else if (value instanceof CborFloat) {
      this.#float(value);
    } else if (isArray(value)) {
      this.#enter(depth);
      this.#head(4, value.length);
      for (const element of value) this.value(element, depth + 1);
    } else if (value instanceof Map) {
      this.#enter(depth);
      this.#map(value, depth);
    } else {
      throw this.#unencodable("an object that is no array, Map, Uint8Array or CborFloat");
    }
  }

  #map(map: ReadonlyMap<number, CborValue>, depth: number): void {
    this.#head(5, map.size);
    const keys: (number | bigint)[] = [...map.keys()];
    keys.sort((a, b) => (a < b ? -1 : 1));
    for (const key of keys) {
      const fits =
        typeof key === "bigint" ? key >= 0n && key <= maxUint64 : Number.isSafeInteger(key) && key >= 0;
      if (!fits) throw this.#unencodable(`the map key ${key}: expected an unsigned integer`);
      this.#head(0, key);
      this.value(map.get(key as number) as CborValue, depth + 1);
    }
  }

  #enter(depth: number): void {
    if (depth > limits.depth)
      throw new CborError("CBOR_DEPTH", `cannot encode below depth ${limits.depth}`, this.#length);
  }

  #float(float: CborFloat): void {
    this.#reserve(9);
    this.#bytes[this.#length] = float.width === 32 ? 0xfa : 0xfb;
    if (float.width === 32) this.#view.setUint32(this.#length + 1, Number(float.bits));
    else this.#view.setBigUint64(this.#length + 1, float.bits);
    this.#length += float.width === 32 ? 5 : 9;
  }

  #head(major: number, argument: number | bigint): void {
    this.#reserve(9);
    const type = major << 5;
    const at = this.#length;
    if (argument < 24) {
      this.#bytes[at] = type | Number(argument);
      this.#length += 1;
    } else if (argument < 0x100) {
      this.#bytes[at] = type | 24;
      this.#bytes[at + 1] = Number(argument);
      this.#length += 2;
    } else if (argument < 0x1_0000) {
      this.#bytes[at] = type | 25;
      this.#view.setUint16(at + 1, Number(argument));
      this.#length += 3;
    } else if (argument < 0x1_0000_0000) {
      this.#bytes[at] = type | 26;
      this.#view.setUint32(at + 1, Number(argument));
      this.#length += 5;
    } else {
      this.#bytes[at] = type | 27;
      this.#view.setBigUint64(at + 1, BigInt(argument));
      this.#length += 9;
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #unencodable(what: string): CborError {
    return new CborError("CBOR_UNENCODABLE", `cannot encode ${what}`, this.#length);
  }
}

function isArray(value: unknown): value is readonly CborValue[] {
  return Array.isArray(value);
}

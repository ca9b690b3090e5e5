import { CborFloat, type CborValue } from "../src/index.ts";

/**
 * The form of values in vectors/*.json: JSON as it is, and objects for what JSON lacks:
 * {"h": hex} bytes · {"int": decimal} beyond 2^53 · {"f32"|"f64": hex bits} · {"map": [[key, value] …]}
 */
export function toNotation(value: unknown): unknown {
  if (value instanceof Uint8Array) return { h: Buffer.from(value).toString("hex") };
  if (typeof value === "bigint") return { int: String(value) };
  if (value instanceof CborFloat)
    return { [`f${value.width}`]: value.bits.toString(16).padStart(value.width / 4, "0") };
  if (Array.isArray(value)) return value.map(toNotation);
  if (value instanceof Map)
    return { map: [...value].map(([key, entry]) => [toNotation(key), toNotation(entry)]) };
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toNotation(entry)]));
  }
  return value;
}

/** The value that toNotation wrote; plain objects (messages) stay objects. */
export function fromNotation(notation: unknown): unknown {
  if (Array.isArray(notation)) return notation.map(fromNotation);
  if (typeof notation !== "object" || notation === null) return notation;
  const entries = Object.entries(notation);
  const [key, value] = entries[0] ?? [];
  if (entries.length === 1) {
    if (key === "h") return Uint8Array.from(Buffer.from(value as string, "hex"));
    if (key === "int") return BigInt(value as string);
    if (key === "f32" || key === "f64")
      return new CborFloat(key === "f32" ? 32 : 64, BigInt(`0x${value as string}`));
    if (key === "map") {
      return new Map(
        (value as [unknown, unknown][]).map(([k, v]) => [
          fromNotation(k) as number,
          fromNotation(v) as CborValue,
        ]),
      );
    }
  }
  return Object.fromEntries(entries.map(([k, v]) => [k, fromNotation(v)]));
}

/** Bytes of a hex text; spaces are ignored. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

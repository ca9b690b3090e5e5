import fc from "fast-check";

/** What happens to bytes on their way or in the hands of somebody hostile. Positions wrap around the length. */
type Mutation =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "set"; readonly at: number; readonly byte: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "remove" | "repeat"; readonly at: number; readonly count: number }
  | { readonly kind: "cut"; readonly at: number };

const at = fc.nat();
/** Lengths and counts go wrong at their ends. */
const telling = fc.constantFrom(
  0x00,
  0x01,
  0x17,
  0x18,
  0x1f,
  0x7f,
  0x80,
  0x9f,
  0xbf,
  0xc0,
  0xf6,
  0xf9,
  0xfe,
  0xff,
);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("set" as const), at, byte: fc.oneof(telling, fc.nat(255)) }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes: fc.uint8Array({ maxLength: 12 }) }),
  fc.record({ kind: fc.constantFrom("remove" as const, "repeat" as const), at, count: fc.nat(40) }),
  fc.record({ kind: fc.constant("cut" as const), at }),
);

/** Valid bytes with up to four things wrong with them, now and then none, and now and then bytes of no meaning at all. */
export function hostileBytes(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const mutated = fc
    .tuple(valid, fc.array(mutation, { maxLength: 4 }))
    .map(([bytes, mutations]) => mutations.reduce(mutate, bytes));
  return fc.oneof(
    { arbitrary: mutated, weight: 9 },
    { arbitrary: fc.uint8Array({ maxLength: 80 }), weight: 1 },
  );
}

function mutate(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const where = mutation.at % (bytes.length + 1);
  switch (mutation.kind) {
    case "flip":
      return bytes.map((byte, index) => (index === where ? byte ^ (1 << mutation.bit) : byte));
    case "set":
      return bytes.map((byte, index) => (index === where ? mutation.byte : byte));
    case "insert":
      return Buffer.concat([bytes.subarray(0, where), mutation.bytes, bytes.subarray(where)]);
    case "remove":
      return Buffer.concat([bytes.subarray(0, where), bytes.subarray(where + mutation.count)]);
    case "repeat":
      return Buffer.concat([bytes.subarray(0, where + mutation.count), bytes.subarray(where)]);
    case "cut":
      return bytes.subarray(0, where);
    default:
      return mutation satisfies never;
  }
}

/** Cuts bytes where a network might: at up to five places. */
export function splits(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

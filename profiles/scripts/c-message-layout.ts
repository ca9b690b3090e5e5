import { constant, generatedNote } from "./c-names.ts";
import { type Field, messageKinds } from "./tables.ts";

/** One element of a message as C's decoder wants it: a code, and flags. */
interface Element {
  readonly name: string | undefined;
  readonly code: string;
  readonly flags: readonly string[];
}

const named: Readonly<Record<string, readonly [min: number, max: number]>> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  status: [0, 16],
  stream: [1, 23],
};

/** An integer's range by its grammar. @throws RangeError for a type that C's decoder does not have */
function rangeOf(cddl: string): readonly [min: number, max: number] {
  const [, min, max] = /^(\d+)\.\.(\d+)$/.exec(cddl) ?? [];
  const range = named[cddl] ?? (min === undefined ? undefined : [Number(min), Number(max)]);
  if (!range || range[0] > 1) throw new RangeError(`C's decoder of messages has no type for "${cddl}"`);
  return range as readonly [number, number];
}

function integer(name: string | undefined, cddl: string, flags: readonly string[]): Element {
  const [min, max] = rangeOf(cddl);
  return { name, code: `UP_TO_${max}`, flags: min === 1 ? [...flags, "POSITIVE"] : flags };
}

/** The elements of a field: one, or two of which the second is in the array of the first. */
function elementsOf(name: string, { cddl, optional }: Field<unknown>): Element[] {
  const flags = optional ? ["OPTIONAL"] : [];
  if (cddl.startsWith("bstr")) return [{ name: undefined, code: "BYTES", flags }];
  const tuple = /^\[(\w+): ([^,]+), (\w+): ([^,]+), \* any-value\]$/.exec(cddl);
  if (tuple) {
    const [, first = "", type = "", second = "", secondType = ""] = tuple;
    return [
      integer(`${name}_${first}`, type, [...flags, "PAIR"]),
      integer(`${name}_${second}`, secondType, ["SECOND"]),
    ];
  }
  const alone = /^(\w+) \/ \[\1, (\w+), \* any-value\]$/.exec(cddl);
  if (alone && optional)
    return [
      integer(name, alone[1] as string, [...flags, "PAIR"]),
      integer(undefined, alone[2] as string, ["SECOND"]),
    ];
  return [integer(name, cddl, flags)];
}

/** The kinds that a gateway sends, by number. */
const kinds = Object.entries(messageKinds)
  .filter(([, row]) => row.direction !== "D>G")
  .map(([name, { number, fields }]) => ({
    name,
    number,
    elements: Object.entries(fields).flatMap(([field, definition]) =>
      elementsOf(field, definition as Field<unknown>),
    ),
  }))
  .sort((a, b) => a.number - b.number);

const numbers = (elements: readonly Element[]) => elements.filter(({ code }) => code !== "BYTES");

/** Names of the values in mote_message.field, kind by kind, and how many there are at most. */
export function fieldPositions(): string {
  const enums = kinds.flatMap(({ name, elements }) => {
    const names = numbers(elements).flatMap((element) =>
      element.name === undefined ? [] : [`    MOTE_${constant(name)}_${constant(element.name)}`],
    );
    return names.length === 0 ? [] : [`enum {\n${names.join(",\n")}\n};\n`];
  });
  return `${enums.join("")}#define MOTE_MESSAGE_FIELDS ${Math.max(...kinds.map(({ elements }) => numbers(elements).length))}\n`;
}

/** The tables of C's decoder of messages; only src/message.c includes them. */
export function messageLayout(): string {
  const widest = "UP_TO_4294967295";
  const maxima = [
    ...new Set(kinds.flatMap(({ elements }) => numbers(elements).map(({ code }) => Number(code.slice(6))))),
  ].sort((a, b) => a - b);
  const codes = [...maxima.map((max) => `UP_TO_${max}`), "BYTES", "DONE"];
  if (codes.length > 16)
    throw new RangeError(`${codes.length} codes: the flags of an element leave room for 16`);
  let at = 1;
  const rows = kinds.map(({ name, number, elements }) => {
    const start = at;
    at += elements.length + 1;
    const listed = elements.map(({ code, flags }) => [code, ...flags].join(" | "));
    return { name, number, start, line: [...listed, "DONE"].join(", ") };
  });
  return `/* ${generatedNote} */
#ifndef MOTE_MESSAGE_LAYOUT_GEN_H
#define MOTE_MESSAGE_LAYOUT_GEN_H

/* What an element must be: an integer up to max_of[code], or a byte string. */
enum {
${codes.map((code) => `    ${code},`).join("\n")}
    CODE = 0x0f,
    POSITIVE = 0x10,
    OPTIONAL = 0x20,
    PAIR = 0x40,  /* begins an array of two; if it is optional, it may also be alone instead */
    SECOND = 0x80 /* is in the array of the one before */
};

/* Without that of ${widest}, which each integer fulfils. */
static const uint16_t max_of[] = {${maxima.filter((max) => max <= 0xffff).join(", ")}};

/* The elements of the kinds that a gateway sends (SPEC §3.2); layouts says where a kind begins. */
/* clang-format off */
static const uint8_t elements[] = {
    DONE,
${rows.map(({ name, line }) => `    /* ${name} */\n    ${line},`).join("\n")}
};

static const uint8_t layouts[] = {
${rows.map(({ number, start }) => `    [${number}] = ${start},`).join("\n")}
};
/* clang-format on */

#endif
`;
}

/** The size that one object file added to an ELF, bytes. */
export interface ObjectSize {
  /** The name from the linker; members of archives as `libc.a(member.o)`. */
  readonly object: string;
  flash: number;
  ram: number;
}

const outputs: Readonly<Record<string, readonly ("flash" | "ram")[]>> = {
  ".text": ["flash"],
  ".build_id": ["flash"],
  ".data": ["flash", "ram"],
  ".bss": ["ram"],
  ".session": ["ram"],
  ".kept": ["ram"],
  ".noinit": ["ram"],
};

/**
 * Adds up the sections that a GNU ld map lists under its memory map; what was discarded before does not count.
 * Padding between sections is the object "*fill*".
 */
export function parseLinkMap(map: string): ObjectSize[] {
  const sizes = new Map<string, ObjectSize>();
  const memoryMap = map.slice(map.indexOf("Linker script and memory map"));
  let kinds: readonly ("flash" | "ram")[] = [];
  // A long section name is on a line of its own, so lines are joined before they are read.
  for (const line of memoryMap.replace(/^( ?[.*]\S+)\n\s+0x/gm, "$1 0x").split("\n")) {
    const output = /^(\.\S+)/.exec(line);
    if (output) kinds = outputs[output[1] ?? ""] ?? [];
    const input = /^ (\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)(?:\s+(\S.*))?\s*$/.exec(line);
    if (!input || kinds.length === 0) continue;
    const isFill = input[1] === "*fill*";
    if (!isFill && (input[3] === undefined || input[1]?.startsWith("*"))) continue;
    const object = isFill ? "*fill*" : (input[3] as string);
    const size = sizes.get(object) ?? { object, flash: 0, ram: 0 };
    for (const kind of kinds) size[kind] += Number.parseInt(input[2] as string, 16);
    sizes.set(object, size);
  }
  return [...sizes.values()];
}

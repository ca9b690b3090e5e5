import { constant, generatedNote } from "./c-names.ts";
import { commandRows } from "./tables.ts";

type Row = (typeof commandRows)[number]["row"];

/** Capabilities that each build of the C SDK has; the other ones are macros of their own, so that what is left out is not linked. */
const basic: readonly (string | undefined)[] = [undefined, "reboot", "time", "exec", "log-read"];
/** Rows whose context is not the device. */
const contexts: Readonly<Record<string, string>> = { info: "info" };

const snake = (name: string) => constant(name).toLowerCase();
const kebab = (key: string) => snake(key).replaceAll("_", "-");

function macro(name: string, values: readonly string[]): string {
  return `#define ${name} \\\n${values.map((value) => `    ${value}`).join(", \\\n")}\n`;
}

function entry({ name, effect }: Row): string {
  const context = contexts[name] ?? "device";
  return `{mote_command_${snake(name)}, (${context}), MOTE_OP_${constant(name)}, ${effect === "at-most-once"}}`;
}

const flags = (names: readonly (string | undefined)[]) =>
  names.flatMap((name) => (name === undefined ? [] : [`MOTE_CAP_${constant(name)}`])).join(" | ");

/** Declarations and rows of C's command tables. */
export function cCommandRows(): string {
  const rows = commandRows.map(({ row }) => row);
  const capabilities = [...new Set(rows.map(({ capability }) => capability))];
  const parts = capabilities.filter((capability) => !basic.includes(capability));
  const macros = parts.map((capability) =>
    macro(
      `MOTE_COMMANDS_${constant(capability as string)}(device)`,
      rows.filter((row) => row.capability === capability).map(entry),
    ),
  );
  const needs = rows.filter(({ capability }) => capability !== undefined);
  return `/* ${generatedNote} */
#ifndef MOTE_COMMAND_ROWS_GEN_H
#define MOTE_COMMAND_ROWS_GEN_H

#include "mote/dispatch.h"
#include "mote/profile.gen.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What carries out each command, in src/commands. For command tables: only poll calls them.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
${rows.map(({ name }) => `mote_command_run mote_command_${snake(name)};`).join("\n")}

/*
 * Rows for a command table: device points to a struct mote_device, info to a struct mote_info,
 * both static. A command that no table names is not linked. MOTE_COMMANDS is what each device has; the
 * others are those of a capability.
 */
/* clang-format off */
${macro("MOTE_COMMANDS(device, info)", rows.filter(({ capability }) => basic.includes(capability)).map(entry))}
${macros.join("\n")}
${macro("MOTE_COMMANDS_ALL(device, info)", ["MOTE_COMMANDS(device, info)", ...parts.map((name) => `MOTE_COMMANDS_${constant(name as string)}(device)`)])}
/* How many MOTE_COMMANDS_ALL are. */
#define MOTE_COMMANDS_COUNT ${rows.length}

/* The capabilities of MOTE_COMMANDS, and of MOTE_COMMANDS_ALL (SPEC §9). */
#define MOTE_COMMANDS_CAPS \\
    (${flags(basic)})
#define MOTE_COMMANDS_ALL_CAPS \\
    (MOTE_COMMANDS_CAPS | ${flags(parts)})

/* The capability that each command needs: op, capability. */
#define MOTE_CAPABILITY_TABLE(X) \\
${needs.map(({ name, capability }) => `    X(${constant(name)}, ${constant(capability as string)})`).join(" \\\n")}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
`;
}

/** What the reference runtime has for each row: the file of the command's name. */
export function referenceCommands(): string {
  const keys = commandRows.map(({ key }) => key).sort((a, b) => (kebab(a) < kebab(b) ? -1 : 1));
  return `// ${generatedNote}
import type { Command } from "../command.ts";
${keys.map((key) => `import { ${key} } from "./${kebab(key)}.ts";`).join("\n")}

/** The command table with the code behind it. */
export const allCommands: readonly Command[] = [
${commandRows.map(({ key }) => `  ${key},`).join("\n")}
];
`;
}

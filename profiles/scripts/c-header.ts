import { fieldPositions } from "./c-message-layout.ts";
import { constant } from "./c-names.ts";
import {
  ByeReason,
  Capability,
  commandRows,
  defaults,
  ExecControl,
  ExecFlag,
  FileType,
  FirmwareState,
  LogLevel,
  limits,
  messageKinds,
  profileVersion,
  ResetCause,
  reportTypes,
  resetCauseNames,
  statsKeys,
  statusTable,
  TaskState,
} from "./tables.ts";

function defines(prefix: string, entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, value]) => `#define MOTE_${prefix}_${constant(name)} ${value}u\n`).join("");
}

/** The numbers of the profile for C; the names follow from the tables. */
export function cHeader(): string {
  const helloKeys = Object.entries(messageKinds.hello.keyed.fields).map(
    ([name, { key }]) => [name, key] as const,
  );
  return `/* Generated from profiles/src by make generate: do not edit. */
#ifndef MOTE_PROFILE_GEN_H
#define MOTE_PROFILE_GEN_H

#define MOTE_PROFILE_VERSION ${profileVersion}u

/* Kinds of message (SPEC §3.2). */
${defines(
  "KIND",
  Object.entries(messageKinds).map(([name, row]) => [name, row.number]),
)}
/* Keys of hello's map (SPEC §3.3). */
${defines("HELLO", helloKeys)}
/* Where a kind's values are in mote_message.field (SPEC §3.2). */
${fieldPositions()}
/* Causes of a reset (SPEC §3.3). */
${defines("RESET", Object.entries(ResetCause))}
/* The same in words, by number. */
#define MOTE_RESET_NAMES ${resetCauseNames.map((name) => `"${name}"`).join(", ")}

/* Types of report (SPEC §5.6). */
${defines(
  "REPORT",
  Object.entries(reportTypes).map(([name, row]) => [name, row.number]),
)}
/* Levels of text reports. */
${defines("LEVEL", Object.entries(LogLevel))}
/* Reasons of bye (SPEC §5.3). */
${defines("BYE", Object.entries(ByeReason))}
/* Commands (SPEC §6). */
${defines(
  "OP",
  commandRows.map(({ row }) => [row.name, row.op]),
)}
/* Flags of exec and kinds of exec-control (SPEC §6.3, §6.4). */
${defines("EXEC_FLAG", Object.entries(ExecFlag))}${defines("EXEC_CONTROL", Object.entries(ExecControl))}
/* Types of file, states of a task and of the firmware, keys of stats (SPEC §6.11, §6.9, §6.2). */
${defines("FILE_TYPE", Object.entries(FileType))}${defines("TASK", Object.entries(TaskState))}${defines("FIRMWARE", Object.entries(FirmwareState))}${defines(
  "STATS",
  Object.entries(statsKeys).map(([name, { key }]) => [name, key]),
)}
/* Capabilities (SPEC §9). */
${defines("CAP", Object.entries(Capability))}
/* Limits and defaults (SPEC §8). */
${defines("LIMIT", Object.entries(limits))}${defines("DEFAULT", Object.entries(defaults))}
/* Status codes (SPEC §7): name, code. */
#define MOTE_STATUS_TABLE(X) \\
${statusTable.map((row) => `    X(${row.name}, ${row.code})`).join(" \\\n")}

#endif
`;
}

import { commands } from "../src/commands.ts";

/** What the generators read: the tables of profiles/src, those that the barrel keeps to itself included. */
export { Capability } from "../src/capability.ts";
export { FirmwareState, statsKeys, TaskState } from "../src/commands/device.ts";
export { ExecControl, ExecFlag } from "../src/commands/exec.ts";
export { FileType } from "../src/commands/files.ts";
export type { Field, Fields } from "../src/fields.ts";
export { defaults, limits } from "../src/limits.ts";
export {
  ByeReason,
  LogLevel,
  messageKinds,
  profileVersion,
  ResetCause,
  resetCauseNames,
} from "../src/message-kinds.ts";
export { reportTypes } from "../src/report-body.ts";
export { statusTable } from "../src/status.ts";

/** The command table in ascending order of ops; `key` is the name that TypeScript code uses. */
export const commandRows = Object.entries(commands)
  .map(([key, row]) => ({ key, row }))
  .sort((a, b) => a.row.op - b.row.op);

// Generated from profiles/src by make generate: do not edit.
import type { Command } from "../command.ts";
import { console } from "./console.ts";
import { dial } from "./dial.ts";
import { exec } from "./exec.ts";
import { execControl } from "./exec-control.ts";
import { fileList } from "./file-list.ts";
import { fileRead } from "./file-read.ts";
import { fileRemove } from "./file-remove.ts";
import { fileRename } from "./file-rename.ts";
import { fileStat } from "./file-stat.ts";
import { fileWrite } from "./file-write.ts";
import { info } from "./info.ts";
import { logRead } from "./log-read.ts";
import { peripheralInvoke } from "./peripheral-invoke.ts";
import { peripheralList } from "./peripheral-list.ts";
import { ping } from "./ping.ts";
import { reboot } from "./reboot.ts";
import { stats } from "./stats.ts";
import { time } from "./time.ts";

/** The command table with the code behind it. */
export const allCommands: readonly Command[] = [
  ping,
  reboot,
  info,
  time,
  exec,
  execControl,
  console,
  logRead,
  stats,
  dial,
  fileStat,
  fileList,
  fileRead,
  fileWrite,
  fileRemove,
  fileRename,
  peripheralList,
  peripheralInvoke,
];

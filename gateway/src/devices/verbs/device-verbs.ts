import type { Clock } from "../../foundation/clock.ts";
import type { SessionTable } from "../../session/session-table.ts";
import type { RawConsoles } from "../raw-consoles.ts";
import { type AttachVerb, SessionAttach } from "./attach.ts";
import type { DeviceCalls } from "./device-calls.ts";
import { type DialVerb, SessionDial } from "./dial.ts";
import { type ExecVerb, SessionExec } from "./exec.ts";
import { type FilesVerb, SessionFiles } from "./files.ts";
import { type InvokeVerb, SessionInvoke } from "./invoke.ts";
import { rebootDevice } from "./reboot.ts";
import { SessionStats, type StatsVerb } from "./stats.ts";

/** What callers can do with a device. */
export interface DeviceVerbs {
  readonly exec: ExecVerb;
  readonly files: FilesVerb;
  readonly dial: DialVerb;
  readonly attach: AttachVerb;
  readonly invoke: InvokeVerb;
  readonly stats: StatsVerb;
  /** @throws UnavailableError */
  reboot(key: string): Promise<void>;
}

/** Builds the verbs over the sessions of devices and the consoles of their lines. */
export function deviceVerbs(options: {
  readonly calls: DeviceCalls;
  readonly sessions: SessionTable;
  readonly consoles: RawConsoles;
  readonly clock: Clock;
}): DeviceVerbs {
  const { calls, sessions, consoles, clock } = options;
  return {
    exec: new SessionExec(calls, clock),
    files: new SessionFiles(calls, clock),
    dial: new SessionDial(calls),
    attach: new SessionAttach(calls, consoles, clock),
    invoke: new SessionInvoke(calls, clock),
    stats: new SessionStats(calls, clock),
    reboot: (key) => rebootDevice(sessions, key),
  };
}

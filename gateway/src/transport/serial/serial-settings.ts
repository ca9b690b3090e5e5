import { integer, list, setting } from "../../foundation/setting.ts";
import { anyPort } from "./allowed-ports.ts";

export const serialSettings = {
  "serial.rtoMs": setting(
    integer(20, 60_000),
    500,
    "time until an unacknowledged message over a serial line is retransmitted",
  ),
  "serial.ports": setting(
    list,
    anyPort,
    "ports that Devices may name in `spec.links`: exact, or a prefix with `*` at the end",
  ),
} as const;

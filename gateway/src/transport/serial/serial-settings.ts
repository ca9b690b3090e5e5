import { integer, list, setting } from "../../foundation/setting.ts";
import { anyPort } from "./allowed-ports.ts";

export const serialSettings = {
  "serial.rtoMs": setting(integer(20, 60_000), 500, "time until a message over a serial line is repeated"),
  "serial.ports": setting(
    list,
    anyPort,
    "ports that Devices may name in `spec.links`, to the letter or by their beginning with a `*` at the end",
  ),
} as const;

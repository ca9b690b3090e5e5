import { commands, Status, statusName } from "@motelet/profiles";
import { UnavailableError } from "../../foundation/errors.ts";
import type { SessionFinder } from "./device-calls.ts";

/**
 * Reboots a device. Resolves when it has answered, or has returned after a boot that no other caller requested.
 * @throws UnavailableError DEVICE_OFFLINE, REBOOT_<status>
 */
export async function rebootDevice(sessions: SessionFinder, key: string): Promise<void> {
  const session = sessions.get(key);
  if (!session?.isUp) throw new UnavailableError("DEVICE_OFFLINE", `device ${key} is not connected`);
  const { status, message } = await session.call(commands.reboot.op, []);
  if (status === Status.OK) return;
  const code = `REBOOT_${statusName(status)}`;
  throw new UnavailableError(code, `device ${key} did not reboot: ${message ?? statusName(status)}`);
}

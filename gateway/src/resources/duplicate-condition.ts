import type { DeviceFacts, IdentityUser } from "../devices/device.ts";
import type { WantedCondition } from "./conditions.ts";

/** Condition type of a Device, and reason of its Event, while two boards use its identity. */
export const duplicateIdentity = "DuplicateIdentity";

/** Present in the status only while it applies. */
export function duplicateCondition({
  duplicate,
}: Pick<DeviceFacts, "duplicate">): readonly WantedCondition[] {
  if (!duplicate) return [];
  const message = duplicateMessage(duplicate.users);
  return [{ type: duplicateIdentity, status: "True", reason: duplicateIdentity, message }];
}

/** Names both boards, and the remedy. */
export function duplicateMessage(users: readonly IdentityUser[]): string {
  const boards = users.map(nameOf).join(" and ");
  return `two boards use the identity of this Device: ${boards}; make a Device for one of them and put its identity on that board`;
}

function nameOf({ peer, hardwareId, boot }: IdentityUser): string {
  return `${peer} (${hardwareId === undefined ? "" : `hardware ${hardwareId}, `}boot ${boot})`;
}

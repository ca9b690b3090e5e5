import { Type } from "typebox";
import { rules } from "../../foundation/validation-rules.ts";
import type { LinkForm } from "../carrier.ts";

const fields = {
  port: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: "Serial only: a path (/dev/ttyACM0, pty:/path), unix:/<path> or tcp:<host>:<port>.",
      ...rules({
        // usb: and rfc2217: come later; a Device that names them now would wait for its hello without a word.
        rule: "self.matches('^(/dev/.+|(unix|pty):/.+|tcp:.+:[0-9]{1,5})$')",
        message: "a port is /dev/<name>, pty:/<path>, unix:/<path> or tcp:<host>:<port>",
      }),
    }),
  ),
};

/** A link of a Device that names the port to which the device is wired. */
export const serialLink: LinkForm<typeof fields> = {
  fields,
  rules: [
    {
      rule: "(self.carrier == 'serial') == has(self.port)",
      message: "a serial link names its port, others have none",
    },
  ],
  // The API server holds the rule that there is one.
  portOf: ({ port }) => String(port ?? ""),
};

/** `maxMessageBytes` and `log-read` → `MAX_MESSAGE_BYTES` and `LOG_READ`. */
export function constant(name: string): string {
  return name
    .replaceAll("-", "_")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase();
}

/** The first line of a generated file of C or TypeScript. */
export const generatedNote = "Generated from profiles/src by make generate: do not edit.";

/**
 * Splits a text into parts of at most `maxBytes` bytes of UTF-8, never within a character. An empty text gives one
 * empty part.
 * @param maxBytes at least 4, the longest character
 */
export function splitText(text: string, maxBytes: number): string[] {
  const whole = text.toWellFormed();
  const parts: string[] = [];
  let part = "";
  let bytes = 0;
  for (const character of whole) {
    const length = Buffer.byteLength(character);
    if (bytes + length > maxBytes) {
      parts.push(part);
      part = "";
      bytes = 0;
    }
    part += character;
    bytes += length;
  }
  parts.push(part);
  return parts;
}

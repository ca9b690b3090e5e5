/** The beginning of a text that fits into these bytes in UTF-8: whole characters, with its line end. */
export function cutText(text: string, bytes: number): string {
  // No character takes more than three bytes for each UTF-16 unit.
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  const end = text.endsWith("\n") ? "\n" : "";
  const whole = Buffer.from(text).subarray(0, Math.max(0, bytes - end.length));
  let length = whole.length;
  // What lies behind the cut may be the rest of a character: UTF-8 marks such bytes.
  const rest = Buffer.from(text);
  while (length > 0 && ((rest[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  return whole.subarray(0, length).toString() + end;
}

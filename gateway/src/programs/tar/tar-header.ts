/** A member of an archive, as in its header. */
export interface TarMember {
  /** Without leading slash; for a directory also without trailing slash. */
  readonly name: string;
  readonly type: "file" | "directory";
  readonly size: number;
  readonly mode: number;
  /** Unix milliseconds; absent: the beginning of 1970, so that the same file always gives the same bytes. */
  readonly modifiedMs?: number;
}

export const tarBlockBytes = 512;

/** Two blocks of zeros end an archive. */
export const tarEnd = new Uint8Array(2 * tarBlockBytes);

const nameBytes = 100;

/**
 * Writes a member's header in ustar format (POSIX.1-1988); a name that ustar has no room for, or that is not ASCII,
 * in a pax header before it (POSIX.1-2001). The same member always gives the same bytes: owner 0, no names of owners.
 *
 *   name:100 │ mode:8 │ uid:8 │ gid:8 │ size:12 │ mtime:12 │ checksum:8 │ type:1 │ link:100 │ "ustar\0" "00" │ zeros
 */
export function encodeTarHeader(member: TarMember): Uint8Array {
  const name = member.type === "directory" ? `${member.name}/` : member.name;
  const fields = {
    mode: member.mode & 0o777,
    size: member.type === "directory" ? 0 : member.size,
    mtimeS: Math.max(0, Math.floor((member.modifiedMs ?? 0) / 1000)),
    type: member.type === "directory" ? "5" : "0",
  };
  if (/^[\x20-\x7e]{1,100}$/.test(name)) return ustarBlock(name, fields);
  const record = Buffer.from(paxRecord("path", name));
  const extended = ustarBlock("PaxHeader", { mode: 0o644, size: record.length, mtimeS: 0, type: "x" });
  // Readers that know no pax see a name at least.
  const plain = name.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, nameBytes);
  return Buffer.concat([extended, record, tarPadding(record.length), ustarBlock(plain, fields)]);
}

/** The padding of the last block of a member's content. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes);
}

function ustarBlock(
  name: string,
  fields: { readonly mode: number; readonly size: number; readonly mtimeS: number; readonly type: string },
): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  block.write(name, 0, nameBytes, "latin1");
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  octal(fields.mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.mtimeS, 136, 11);
  block.write("        ", 148, "latin1");
  block.write(fields.type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  // The checksum counts its own field as spaces.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  for (let digits = 1; digits < 8; digits++) {
    length = Buffer.byteLength(rest) + digits;
    if (String(length).length === digits) break;
  }
  return `${length}${rest}`;
}

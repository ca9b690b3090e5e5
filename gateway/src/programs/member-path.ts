import { limits } from "@motelet/profiles";

/** A name resolved to a path of the device, or the reason why it is refused. */
export type ResolvedName =
  | {
      /** Absolute path on the device. */
      readonly path: string;
      /** The name without what says nothing: leading and doubled slashes, `.` segments. Empty for the directory itself. */
      readonly name: string;
    }
  | { readonly refusal: string };

/**
 * Finds the path that a caller means; the working directory of a device is its root. A name with `..` above the
 * directory is refused even if it would end inside, so that no archive and no caller can reach other paths.
 * @param directory absolute, or relative to the root
 */
export function resolveName(directory: string, name: string): ResolvedName {
  if (name.includes("\0")) return { refusal: "Invalid argument: name has a NUL" };
  const [base, inner] = [segmentsOf(directory), segmentsOf(name)];
  if (base.includes("..")) return { refusal: "Directory contains '..'" };
  if (inner.includes("..")) return { refusal: "Member name contains '..'" };
  const path = `/${[...base, ...inner].join("/")}`;
  if (Buffer.byteLength(path) > limits.pathBytes)
    return {
      refusal: `File name too long: ${Buffer.byteLength(path)} bytes, a device takes ${limits.pathBytes}`,
    };
  return { path, name: inner.join("/") };
}

/** The same for a member of an archive that is being extracted: it may not be absolute either. */
export function resolveMember(directory: string, name: string): ResolvedName {
  if (name.startsWith("/")) return { refusal: "Member name is absolute" };
  return resolveName(directory, name);
}

function segmentsOf(path: string): readonly string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

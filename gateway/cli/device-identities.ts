import { readFile } from "node:fs/promises";
import { isWireId } from "@motelet/profiles";
import { OptionError } from "@motelet/reference";
import { parse } from "yaml";

/** What one emulated device needs to log in, and what it says about itself. */
export interface DeviceIdentity {
  readonly name: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
  readonly board?: string;
}

/**
 * Reads a list of identities, YAML or JSON: `[{name, wireId, generation, password, board?}]`.
 * @throws OptionError naming the entry and what is wrong with it; never a password
 */
export async function readIdentities(path: string): Promise<DeviceIdentity[]> {
  return parseIdentities(await readOptionFile(path), path);
}

/** @throws OptionError */
export function parseIdentities(text: string, path: string): DeviceIdentity[] {
  const document = parseYaml(text, path);
  if (!Array.isArray(document)) throw new OptionError("IDENTITIES", `${path}: expected a list of identities`);
  const identities = document.map((entry: unknown, index) => parseIdentity(entry, `${path}[${index}]`));
  const seen = new Set<string>();
  for (const { wireId } of identities) {
    if (seen.has(wireId)) throw new OptionError("IDENTITIES", `${path}: wireId ${wireId}occurs twice`);
    seen.add(wireId);
  }
  return identities;
}

/** The text of a file that an option names, without the line end. @throws OptionError */
export async function readOptionFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new OptionError("OPTION_FILE", `cannot read ${path}`, { cause: error });
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // The parser's own message would quote the line, and with it a password.
    const line = error instanceof Error && "linePos" in error ? JSON.stringify(error.linePos) : "";
    throw new OptionError("IDENTITIES", `${path} is neither YAML nor JSON ${line}`.trim());
  }
}

function parseIdentity(entry: unknown, where: string): DeviceIdentity {
  const refuse = (expected: string) => new OptionError("IDENTITIES", `${where}: expected ${expected}`);
  if (typeof entry !== "object" || entry === null) throw refuse("an object");
  const { name, wireId, generation = 1, password, board } = entry as Record<string, unknown>;
  if (typeof wireId !== "string" || !isWireId(wireId))
    throw refuse("wireId to be 1–12 characters of [a-z0-9]");
  if (typeof generation !== "number" || !Number.isSafeInteger(generation) || generation < 0)
    throw refuse("generation to be a whole number");
  if (typeof password !== "string" || password === "") throw refuse("password to be a text");
  if (name !== undefined && typeof name !== "string") throw refuse("name to be a text");
  if (board !== undefined && typeof board !== "string") throw refuse("board to be a text");
  return { name: name ?? wireId, wireId, generation, password, ...(board === undefined ? {} : { board }) };
}

/** The queries of `test` about files and descriptors. */
export interface TestHost {
  /** The result of a flag of `test` for a path. */
  readonly path: (flag: PathFlag, path: string) => Promise<boolean>;
  readonly isTerminal: boolean;
}

export type PathFlag = "d" | "e" | "f" | "r" | "s" | "w" | "x";
const pathFlags = "defrswx";

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "-eq": (left, right) => left === right,
  "-ne": (left, right) => left !== right,
  "-lt": (left, right) => left < right,
  "-le": (left, right) => left <= right,
  "-gt": (left, right) => left > right,
  "-ge": (left, right) => left >= right,
};

/** @returns the result, or why there is none */
export async function runTest(
  words: readonly string[],
  host: TestHost,
): Promise<boolean | { refusal: string }> {
  const [first = "", second = "", third = ""] = words;
  if (first === "!" && words.length > 1) {
    const result = await runTest(words.slice(1), host);
    return typeof result === "boolean" ? !result : result;
  }
  switch (words.length) {
    case 0:
      return false;
    case 1:
      return first !== "";
    case 2:
      return unary(first, second, host);
    case 3:
      return binary(first, second, third);
    default:
      return { refusal: `expected one condition, got ${words.length} words` };
  }
}

async function unary(flag: string, operand: string, host: TestHost): Promise<boolean | { refusal: string }> {
  if (flag === "-n") return operand !== "";
  if (flag === "-z") return operand === "";
  if (flag === "-t") return host.isTerminal && ["0", "1", "2"].includes(operand);
  const letter = /^-(\w)$/.exec(flag)?.[1];
  if (letter === undefined || !pathFlags.includes(letter)) return { refusal: `${flag} is not supported` };
  return host.path(letter as PathFlag, operand);
}

function binary(left: string, operator: string, right: string): boolean | { refusal: string } {
  if (operator === "=" || operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  const compare = comparisons[operator];
  if (!compare) return { refusal: `${operator} is not supported` };
  const odd = [left, right].find((text) => !/^\s*[-+]?\d{1,15}\s*$/.test(text));
  if (odd !== undefined) return { refusal: `expected a number, got ${JSON.stringify(odd)}` };
  return compare(Number(left), Number(right));
}

/** Numbers of options (RFC 7252 §5.10, RFC 7641, 7959, 8613, 9175). Odd numbers are critical. */
export const Option = {
  ifMatch: 1,
  uriHost: 3,
  etag: 4,
  ifNoneMatch: 5,
  observe: 6,
  uriPort: 7,
  oscore: 9,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  accept: 17,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  requestTag: 292,
} as const;

export interface CoapOption {
  readonly number: number;
  readonly value: Uint8Array;
}

interface OptionForm {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly repeats?: true;
}

/** Lengths of the options that this endpoint knows. */
const forms: ReadonlyMap<number, OptionForm> = new Map<number, OptionForm>([
  [Option.ifMatch, { minBytes: 0, maxBytes: 8, repeats: true }],
  [Option.uriHost, { minBytes: 1, maxBytes: 255 }],
  [Option.etag, { minBytes: 1, maxBytes: 8, repeats: true }],
  [Option.ifNoneMatch, { minBytes: 0, maxBytes: 0 }],
  [Option.observe, { minBytes: 0, maxBytes: 3 }],
  [Option.uriPort, { minBytes: 0, maxBytes: 2 }],
  [Option.oscore, { minBytes: 0, maxBytes: 255 }],
  [Option.uriPath, { minBytes: 0, maxBytes: 255, repeats: true }],
  [Option.contentFormat, { minBytes: 0, maxBytes: 2 }],
  [Option.maxAge, { minBytes: 0, maxBytes: 4 }],
  [Option.uriQuery, { minBytes: 0, maxBytes: 255, repeats: true }],
  [Option.accept, { minBytes: 0, maxBytes: 2 }],
  [Option.block2, { minBytes: 0, maxBytes: 3 }],
  [Option.block1, { minBytes: 0, maxBytes: 3 }],
  [Option.size2, { minBytes: 0, maxBytes: 4 }],
  [Option.proxyUri, { minBytes: 1, maxBytes: 1034 }],
  [Option.proxyScheme, { minBytes: 1, maxBytes: 255 }],
  [Option.size1, { minBytes: 0, maxBytes: 4 }],
  [Option.echo, { minBytes: 1, maxBytes: 40 }],
  [Option.requestTag, { minBytes: 0, maxBytes: 8, repeats: true }],
]);

export function isCritical(number: number): boolean {
  return (number & 1) === 1;
}

/**
 * Separates the options that count from those that do not (RFC 7252 §5.4): an option of an unknown number, of a wrong
 * length, or repeated although it must not be, is left out if it is elective.
 * @returns `unrecognized`: the first critical option that the request must be refused for
 */
export function recognizeOptions(options: readonly CoapOption[]): {
  readonly recognized: readonly CoapOption[];
  readonly unrecognized?: number;
} {
  const recognized: CoapOption[] = [];
  let last = -1;
  for (const option of options) {
    const { number, value } = option;
    const form = forms.get(number);
    const fits = form && value.length >= form.minBytes && value.length <= form.maxBytes;
    if (fits && (form.repeats || number !== last)) recognized.push(option);
    else if (isCritical(number)) return { recognized, unrecognized: number };
    last = number;
  }
  return { recognized };
}

/** The value of the first option with this number. */
export function optionValue(options: readonly CoapOption[], number: number): Uint8Array | undefined {
  return options.find((option) => option.number === number)?.value;
}

/** The first option with this number as an unsigned integer (RFC 7252 §3.2); undefined if it is absent. */
export function optionUint(options: readonly CoapOption[], number: number): number | undefined {
  return optionValue(options, number)?.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** All options with this number as texts. */
export function optionTexts(options: readonly CoapOption[], number: number): readonly string[] {
  return options
    .filter((option) => option.number === number)
    .map(({ value }) => Buffer.from(value).toString("utf8"));
}

/** An option whose value is an unsigned integer in as few bytes as possible. */
export function uintOption(number: number, value: number): CoapOption {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return { number, value: Uint8Array.from(bytes) };
}

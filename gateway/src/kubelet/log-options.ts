import { RequestError } from "../foundation/errors.ts";

/** v1.PodLogOptions, as far as they apply to a device. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Unix milliseconds. */
  readonly sinceMs?: number;
  readonly tailLines?: number;
  /** Bytes of the answer, including timestamps. */
  readonly limitBytes?: number;
  /** A device has one stream, stdout, so that the log of stderr alone is empty. */
  readonly onlyStderr: boolean;
}

/**
 * Reads the query of containerLogs as the API machinery decodes it (docs/kubectl.md, "logs").
 * @throws RequestError QUERY_UNDECODABLE (400), then QUERY_INVALID (422)
 */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const sinceSeconds = integer(query.get("sinceSeconds"));
  const sinceTimeMs = time(query.get("sinceTime"));
  // `tail` is the old name and wins; "all" means no limit.
  const tail = query.get("tail") || null;
  const tailLines = tail === "all" ? undefined : integer(tail ?? query.get("tailLines"));
  const limitBytes = integer(query.get("limitBytes"));
  const stream = query.get("stream") ?? "All";

  const invalid =
    (sinceSeconds !== undefined && sinceSeconds < 1) ||
    // An empty time is one too: the zero time, since which is everything.
    (sinceSeconds !== undefined && query.has("sinceTime")) ||
    (tailLines !== undefined && tailLines < 0) ||
    (limitBytes !== undefined && limitBytes < 1) ||
    !["All", "Stdout", "Stderr"].includes(stream) ||
    (stream !== "All" && tailLines !== undefined);
  if (invalid) throw new RequestError("QUERY_INVALID", '{"message": "Invalid request."}');

  const sinceMs = sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1_000;
  return {
    follow: boolean(query.get("follow")),
    previous: boolean(query.get("previous")),
    timestamps: boolean(query.get("timestamps")),
    onlyStderr: stream === "Stderr",
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

function undecodable(): RequestError {
  return new RequestError("QUERY_UNDECODABLE", '{"message": "Unable to decode query."}');
}

/** Absent, "0" and "false" are false; anything else is true, the empty value too. */
function boolean(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

/** An int64. Beyond 2^53 no unit is told from the next, which no log is long enough to show. */
function integer(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (!/^[+-]?\d{1,19}$/.test(value)) throw undecodable();
  const exact = BigInt(value.replace("+", ""));
  if (BigInt.asIntN(64, exact) !== exact) throw undecodable();
  return Number(exact);
}

const timeShape = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:[.,](\d+))?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339. A part of a millisecond counts as a whole one: stamps have none, and what is earlier is not wanted. */
function time(value: string | null): number | undefined {
  if (value === null || value === "" || value === "null") return undefined;
  const [, year, month, day, fraction = ""] = timeShape.exec(value) ?? [];
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const ms = Date.parse(value.replace(/[.,]\d+/, ""));
  if (Number.isNaN(ms) || !(Number(day) <= days)) throw undecodable();
  return ms + Number(fraction.slice(0, 3).padEnd(3, "0")) + (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
}

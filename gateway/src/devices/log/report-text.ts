import { CborFloat, type CborValue, type ReportBody } from "@motelet/profiles";

/** The log line of a report, without its end; undefined for reports that are not log lines. */
export function formatReport(body: ReportBody): string | undefined {
  switch (body.type) {
    case "gap":
      return `[${body.count} ${body.count === 1 ? "report" : "reports"} lost: the device's ring was full]`;
    case "log":
      return `[token ${body.token}]${formatArguments(body.args)}`;
    case "text":
      return body.text.replace(/\r?\n$/, "");
    case "event":
      return `[event ${body.code}]${formatArguments(body.args)}`;
    case "property":
    case "unknown":
      return undefined;
    default:
      return body satisfies never;
  }
}

function formatArguments(args: readonly CborValue[]): string {
  return args.map((value) => ` ${formatValue(value)}`).join("");
}

function formatValue(value: CborValue): string {
  if (value instanceof CborFloat) return String(value.value);
  if (value instanceof Uint8Array) return `h'${Buffer.from(value).toString("hex")}'`;
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${key}: ${formatValue(item)}`).join(", ")}}`;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

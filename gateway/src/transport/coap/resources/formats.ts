import { Encoder } from "cbor-x";
import { content, type MessageContent } from "../message/codec.ts";
import { Code } from "../message/codes.ts";
import { Option, optionUint, uintOption } from "../message/options.ts";
import { type CoapRequest, problem } from "./resource.ts";

/** Numbers of content formats (RFC 7252 §12.3, RFC 8949 §9.4). */
export const ContentFormat = { text: 0, linkFormat: 40, json: 50, cbor: 60 } as const;

export type Representable = Readonly<Record<string, string | number | boolean>>;

const cbor = new Encoder({
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: true,
  tagUint8Array: false,
});

const encoders: ReadonlyMap<number, (value: Representable) => Uint8Array> = new Map([
  [
    ContentFormat.text,
    (value: Representable) =>
      Buffer.from(
        Object.entries(value)
          .map(([name, field]) => `${name}: ${field}\n`)
          .join(""),
      ),
  ],
  [ContentFormat.json, (value: Representable) => Buffer.from(`${JSON.stringify(value)}\n`)],
  [ContentFormat.cbor, (value: Representable) => Uint8Array.from(cbor.encode(value))],
]);

/** Attribute in link format for resources that are available in all three formats. */
export const formatsAttribute = `;ct="${[...encoders.keys()].join(" ")}"`;

/**
 * Answers with the format that Accept names; without it, with text.
 * @param maxAgeS how long the answer may be kept, seconds
 * @param text for people; absent: a line for each field
 */
export function represent(
  request: CoapRequest,
  value: Representable,
  maxAgeS: number,
  text?: string,
): MessageContent {
  const accept = optionUint(request.options, Option.accept) ?? ContentFormat.text;
  const encode = encoders.get(accept);
  if (!encode)
    return problem(
      Code.notAcceptable,
      `available formats: ${[...encoders.keys()].join(", ")}, not ${accept}`,
    );
  const options = [uintOption(Option.contentFormat, accept), uintOption(Option.maxAge, maxAgeS)];
  const isText = accept === ContentFormat.text && text !== undefined;
  return content(Code.content, isText ? Buffer.from(text) : encode(value), options);
}

import { crc16, encodeFrame, limits, maxCobsLength } from "../src/index.ts";
import { toHex } from "./notation.ts";

const ascii = (text: string) => toHex(new TextEncoder().encode(text));
const text = (content: string) => ({ text: ascii(content) });
const frameOf = (messageHex: string) => toHex(encodeFrame(Uint8Array.from(Buffer.from(messageHex, "hex"))));

const beat = "820519ffff";
const ping = "83020701";

const messages: readonly (readonly [string, string])[] = [
  ["the smallest message", "80"],
  ["a message of one zero", "00"],
  ["a ping", ping],
  ["a beat", beat],
  ["only zeros", "00".repeat(16)],
  ["no zeros", "ff".repeat(16)],
  // 252 bytes and their checksum make a body of 254: one full COBS group where the checksum has no zero.
  ["a body of 254 bytes without zero", "01".repeat(252)],
  ["a body of 255 bytes without zero", "01".repeat(253)],
  ["a body of 508 bytes", "02".repeat(506)],
  ["a body of 509 bytes", "02".repeat(507)],
  ["the largest message", "a5".repeat(limits.messageBytes)],
];

interface StreamVector {
  readonly name: string;
  /** Bytes and when they come; `expire` asks for what silence ends. */
  readonly chunks: readonly (
    | { readonly at: number; readonly hex: string }
    | { readonly at: number; readonly expire: true }
  )[];
  readonly items: readonly ({ readonly message: string } | { readonly text: string })[];
  readonly badFrames: number;
  readonly maxMessageBytes?: number;
}

function flip(hex: string, byteIndex: number, mask = 1): string {
  const bytes = Buffer.from(hex, "hex");
  bytes[byteIndex] = (bytes[byteIndex] as number) ^ mask;
  return bytes.toString("hex");
}

const pingFrame = frameOf(ping);
/** A frame whose checksum has the given byte wrong. */
function wrongChecksum(which: 0 | 1): string {
  const good = Buffer.from(pingFrame, "hex");
  const at = good.length - 3 + which;
  return flip(pingFrame, at, 0x40);
}

const overLength = maxCobsLength(128 + 2) + 1;

const streams: readonly StreamVector[] = [
  {
    name: "text alone",
    chunks: [{ at: 0, hex: ascii("boot ok\n") }],
    items: [text("boot ok\n")],
    badFrames: 0,
  },
  { name: "a frame alone", chunks: [{ at: 0, hex: pingFrame }], items: [{ message: ping }], badFrames: 0 },
  {
    name: "text around frames",
    chunks: [{ at: 0, hex: ascii("a") + pingFrame + ascii("b") + frameOf(beat) + ascii("c") }],
    items: [text("a"), { message: ping }, text("b"), { message: beat }, text("c")],
    badFrames: 0,
  },
  {
    name: "two frames with a delimiter each",
    chunks: [{ at: 0, hex: pingFrame + pingFrame }],
    items: [{ message: ping }, { message: ping }],
    badFrames: 0,
  },
  {
    name: "empty segments are ignored",
    chunks: [{ at: 0, hex: `000000${pingFrame.slice(2)}` }],
    items: [{ message: ping }],
    badFrames: 0,
  },
  {
    name: "text of one byte outside is text",
    chunks: [{ at: 0, hex: `${pingFrame}21` }],
    items: [{ message: ping }, text("!")],
    badFrames: 0,
  },
  {
    name: "a wrong first checksum byte makes a bad frame",
    chunks: [
      { at: 0, hex: wrongChecksum(0) },
      { at: 100, expire: true },
    ],
    items: [],
    badFrames: 1,
  },
  {
    name: "a wrong second checksum byte makes a bad frame",
    chunks: [
      { at: 0, hex: wrongChecksum(1) },
      { at: 100, expire: true },
    ],
    items: [],
    badFrames: 1,
  },
  {
    name: "the delimiter that ends a bad segment opens the next",
    chunks: [{ at: 0, hex: `00${"01".repeat(3)}${pingFrame}` }],
    items: [{ message: ping }],
    badFrames: 1,
  },
  {
    name: "a lost closing delimiter makes text of the next frame, and the one after is whole",
    chunks: [{ at: 0, hex: pingFrame.slice(0, -2) + pingFrame + pingFrame }],
    items: [{ message: ping }, { text: pingFrame.slice(2, -2) }, { message: ping }],
    badFrames: 0,
  },
  {
    name: "a panic text in the middle of a frame is kept",
    chunks: [
      { at: 0, hex: pingFrame.slice(0, 8) + ascii("PANIC: stack overflow\n") },
      { at: 100, expire: true },
    ],
    items: [text("PANIC: stack overflow\n")],
    badFrames: 1,
  },
  {
    name: "a panic text and then a frame",
    chunks: [{ at: 0, hex: pingFrame.slice(0, 8) + ascii("PANIC: stack overflow\n") + pingFrame }],
    items: [text("PANIC: stack overflow\n"), { message: ping }],
    badFrames: 1,
  },
  {
    name: "eight bytes of text are salvaged",
    chunks: [
      { at: 0, hex: `0001${"ff"}${ascii("12345678")}` },
      { at: 100, expire: true },
    ],
    items: [text("12345678")],
    badFrames: 1,
  },
  {
    name: "seven bytes of text are not",
    chunks: [
      { at: 0, hex: `0001${"ff"}${ascii("1234567")}` },
      { at: 100, expire: true },
    ],
    items: [],
    badFrames: 1,
  },
  {
    name: "99 ms of silence do not end a segment",
    chunks: [
      { at: 0, hex: pingFrame.slice(0, 8) },
      { at: 99, hex: pingFrame.slice(8) },
    ],
    items: [{ message: ping }],
    badFrames: 0,
  },
  {
    name: "100 ms of silence do, and what follows is text",
    chunks: [
      { at: 0, hex: pingFrame.slice(0, 8) },
      { at: 100, hex: ascii("hello") },
    ],
    items: [text("hello")],
    badFrames: 1,
  },
  {
    name: "silence after a lone delimiter leads outside without a bad frame",
    chunks: [
      { at: 0, hex: "00" },
      { at: 100, hex: ascii("hi\n") },
    ],
    items: [text("hi\n")],
    badFrames: 0,
  },
  {
    name: "a segment of the longest length is still taken",
    maxMessageBytes: 128,
    chunks: [{ at: 0, hex: frameOf("a5".repeat(128)) }],
    items: [{ message: "a5".repeat(128) }],
    badFrames: 0,
  },
  {
    name: "a message one byte over the limit is a bad frame",
    maxMessageBytes: 128,
    chunks: [
      { at: 0, hex: frameOf("a5".repeat(129)) },
      { at: 100, expire: true },
    ],
    items: [],
    badFrames: 1,
  },
  {
    name: "a segment that grows too long ends, its text is salvaged, and text follows",
    maxMessageBytes: 128,
    chunks: [{ at: 0, hex: `00${"41".repeat(overLength)}${ascii("BC")}` }],
    items: [text("A".repeat(overLength)), text("BC")],
    badFrames: 1,
  },
];

/** The content of vectors/frame.json (SPEC §4). */
export function frameVectors(): object {
  return {
    spec: "§4",
    crc: [
      { name: "the check value", hex: ascii("123456789"), crc: crc16(new TextEncoder().encode("123456789")) },
      { name: "nothing", hex: "", crc: 0 },
    ],
    valid: messages.map(([name, message]) => ({ name, message, frame: frameOf(message) })),
    streams,
  };
}

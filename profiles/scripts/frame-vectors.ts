import { crc16, encodeFrame, limits, maxCobsLength } from "../src/index.ts";
import { toHex } from "./notation.ts";

const utf8 = (text: string) => toHex(new TextEncoder().encode(text));
const text = (content: string) => ({ text: utf8(content) });
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
    chunks: [{ at: 0, hex: utf8("boot ok\n") }],
    items: [text("boot ok\n")],
    badFrames: 0,
  },
  { name: "a frame alone", chunks: [{ at: 0, hex: pingFrame }], items: [{ message: ping }], badFrames: 0 },
  {
    name: "text around frames",
    chunks: [{ at: 0, hex: utf8("a") + pingFrame + utf8("b") + frameOf(beat) + utf8("c") }],
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
    chunks: [{ at: 0, hex: `008281${"01".repeat(3)}${pingFrame}` }],
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
      { at: 0, hex: pingFrame.slice(0, 8) + utf8("PANIC: stack overflow\n") },
      { at: 100, expire: true },
    ],
    items: [text("PANIC: stack overflow\n")],
    badFrames: 1,
  },
  {
    name: "a panic text and then a frame",
    chunks: [{ at: 0, hex: pingFrame.slice(0, 8) + utf8("PANIC: stack overflow\n") + pingFrame }],
    items: [text("PANIC: stack overflow\n"), { message: ping }],
    badFrames: 1,
  },
  {
    name: "eight bytes of text are salvaged",
    chunks: [
      { at: 0, hex: `008281ff${utf8("12345678")}` },
      { at: 100, expire: true },
    ],
    items: [text("12345678")],
    badFrames: 1,
  },
  {
    name: "seven bytes of text are not",
    chunks: [
      { at: 0, hex: `008281ff${utf8("1234567")}` },
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
      { at: 100, hex: utf8("hello") },
    ],
    items: [text("hello")],
    badFrames: 1,
  },
  {
    name: "silence after a lone delimiter leads outside without a bad frame",
    chunks: [
      { at: 0, hex: "00" },
      { at: 100, hex: utf8("hi\n") },
    ],
    items: [text("hi\n")],
    badFrames: 0,
  },
  {
    name: "a segment of the longest length is still taken",
    maxMessageBytes: 128,
    chunks: [{ at: 0, hex: pingFrame + frameOf("a5".repeat(128)) }],
    items: [{ message: ping }, { message: "a5".repeat(128) }],
    badFrames: 0,
  },
  {
    name: "a message one byte over the limit is a bad frame",
    maxMessageBytes: 128,
    chunks: [
      { at: 0, hex: pingFrame + frameOf("a2".repeat(129)) },
      { at: 100, expire: true },
    ],
    items: [{ message: ping }],
    badFrames: 1,
  },
  {
    name: "a segment that grows too long ends, its text is salvaged, and text follows",
    maxMessageBytes: 128,
    chunks: [{ at: 0, hex: `${pingFrame}00${"41".repeat(overLength)}${utf8("BC")}` }],
    items: [{ message: ping }, text("A".repeat(overLength)), text("BC")],
    badFrames: 1,
  },
  {
    name: "the run that a segment ends with when it is too long counts however short it is",
    maxMessageBytes: 128,
    chunks: [
      { at: 0, hex: `${pingFrame}00${"ff".repeat(overLength - 3)}${utf8("PANIC: stack overflow\n")}` },
    ],
    items: [{ message: ping }, text("PANIC: stack overflow\n")],
    badFrames: 1,
  },
  {
    name: "a character that is cut off when a segment is too long is whole with what follows",
    maxMessageBytes: 128,
    chunks: [{ at: 0, hex: `${pingFrame}00${"41".repeat(overLength - 2)}${utf8("\u{1f300} off\n")}` }],
    items: [{ message: ping }, text(`${"A".repeat(overLength - 2)}\u{1f300} off\n`)],
    badFrames: 1,
  },
  {
    name: "text in UTF-8 behind a stray zero is kept whole",
    chunks: [
      {
        at: 0,
        hex: `${pingFrame}00${utf8("23 °C after 250 µs, \x1b[31m温度 \u{1f300}\x1b[0m\r\n")}${pingFrame}`,
      },
    ],
    items: [
      { message: ping },
      text("23 °C after 250 µs, \x1b[31m温度 \u{1f300}\x1b[0m\r\n"),
      { message: ping },
    ],
    badFrames: 1,
  },
  {
    name: "all runs of text are salvaged, in order",
    chunks: [
      {
        at: 0,
        hex: `${pingFrame.slice(0, 8)}${utf8("12345678")}ff${utf8("1234567")}01${utf8("PANIC: 90 °C\n")}fe${pingFrame}`,
      },
    ],
    items: [text("12345678PANIC: 90 °C\n"), { message: ping }],
    badFrames: 1,
  },
  {
    name: "eight bytes of text in UTF-8 are a run",
    chunks: [{ at: 0, hex: `008281ff${utf8("é°µ–")}ff${utf8("°°°°")}ff00` }],
    items: [text("é°µ–°°°°")],
    badFrames: 1,
  },
  {
    name: "bytes that are no UTF-8 end a run: stray, overlong, surrogates, beyond Unicode, cut off within the segment",
    chunks: [
      {
        at: 0,
        hex: `008281${["80", "c1bf", "e09fbf", "eda080", "f48fbf", "f4908080", "f5808080", "e282"]
          .map((bytes) => `${utf8("1234567")}${bytes}`)
          .join("")}ff00`,
      },
    ],
    items: [],
    badFrames: 1,
  },
  {
    name: "the ends of what UTF-8 can say are text",
    chunks: [{ at: 0, hex: `008281ff${utf8("\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}")}00` }],
    items: [text("\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}")],
    badFrames: 1,
  },
  {
    name: "of the controls, bell to carriage return and escape are text",
    chunks: [
      {
        at: 0,
        hex: `008281ff0708090a0b0c0d1bff06${utf8("1234567")}0e${utf8("1234567")}1a${utf8("1234567")}7fff00`,
      },
    ],
    items: [{ text: "0708090a0b0c0d1b" }],
    badFrames: 1,
  },
  {
    name: "a segment that is all text is kept however short it is",
    chunks: [
      { at: 0, hex: `${pingFrame}00${utf8("ok\n")}${pingFrame}00${utf8("> ")}` },
      { at: 100, expire: true },
    ],
    items: [{ message: ping }, text("ok\n"), { message: ping }, text("> ")],
    badFrames: 2,
  },
  {
    name: "before the first good frame a zero does not hold text back",
    chunks: [{ at: 0, hex: `00${utf8("> ")}00${utf8("boot: 23 °C")}` }],
    items: [text("> boot: 23 °C")],
    badFrames: 2,
  },
  {
    name: "nor does noise behind the zero",
    chunks: [{ at: 0, hex: `00ff7f${utf8("boot")}00f0ff${utf8("ing")}` }],
    items: [text("booting")],
    badFrames: 2,
  },
  {
    name: "before the first good frame, what could be one is waited for: its second byte is the head of an array",
    chunks: [
      { at: 0, hex: `00${utf8("Ära")}` },
      { at: 99, hex: pingFrame },
      { at: 99, hex: utf8("ok") },
    ],
    items: [text("Ära"), { message: ping }, text("ok")],
    badFrames: 1,
  },
  {
    name: "after the first good frame any segment is waited for",
    chunks: [
      { at: 0, hex: `${pingFrame}00${utf8("ab")}` },
      { at: 99, hex: utf8("cd") },
      { at: 198, hex: `ff${pingFrame}` },
    ],
    items: [{ message: ping }, { message: ping }],
    badFrames: 1,
  },
];

/** The content of vectors/frame.json (SPEC §4). */
export function frameVectors(): object {
  return {
    spec: "§4",
    crc: [
      { name: "the check value", hex: utf8("123456789"), crc: crc16(new TextEncoder().encode("123456789")) },
      { name: "nothing", hex: "", crc: 0 },
    ],
    valid: messages.map(([name, message]) => ({ name, message, frame: frameOf(message) })),
    streams,
  };
}

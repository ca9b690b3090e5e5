/** Streams as the gateway has to hold them: console and file-write (SPEC §5.7, §6.5, §6.13). */
import { ByeReason, commands, Status } from "../src/index.ts";
import {
  type GatewayScript,
  type GatewayStep,
  gatewayScript,
  mqtt,
  onStream,
  serial,
  telling,
  welcomeAt,
} from "./session-gateway-script.ts";
import { ack, beat, bye, credit, data, ended, hello, request, response, sid } from "./session-script.ts";

const joined: readonly GatewayStep[] = [
  serial.open(0, bye(ByeReason.noSession)),
  serial.receive(10, hello(1, 0, 0), welcomeAt(10, 1)),
  serial.receive(20, beat(0), ack(0)),
];
const overMqtt = { rtoMs: 2000 };

const console = (id: number, stream = 1) =>
  request(id, commands.console.op, ...commands.console.encodeRequest({ stream }));
const write = (id: number, size: number | null) =>
  request(
    id,
    commands.fileWrite.op,
    ...commands.fileWrite.encodeRequest({ stream: 1, size, mode: 0o644, path: "/a" }),
  );
/** What is left of the gateway's buffer when this many bytes wait for their reader. */
const room = (waiting: number) => 16_384 - waiting;
const started = (at: number, what: string) =>
  telling(serial.receive(at, response(0, Status.OK)), `${what} OK`);

export const gatewayStreams: readonly GatewayScript[] = [
  gatewayScript(
    "a file's bytes go as the window lets them, its end needs none, and the device's end is the outcome",
    "§5.7 §6.13",
    [
      ...joined,
      serial.call(100, write(0, 200), write(0, 200)),
      started(110, "file-write"),
      // 128 bytes before the first credit; with their heads they are two messages of M = 128.
      serial.too(onStream(120, { write: "x".repeat(200) }), data(1, 0, "x".repeat(117))),
      serial.receive(130, credit(1, 117, 128), data(1, 117, "x".repeat(83))),
      serial.too(onStream(140, { end: true }), data(1, 200, "", ended)),
      serial.receive(150, credit(1, 200, 0)),
      serial.receive(160, credit(1, 201, 0)),
      telling(serial.receive(170, data(1, 0, "", ended), credit(1, 1, 0)), "1 ended OK"),
      serial.receive(180, data(1, 0, "", ended), credit(1, 1, 0)),
      serial.tick(3000),
    ],
  ),
  gatewayScript("what is lost is sent again after rto and 2 rto, and a window of 0 is probed", "§5.7", [
    ...joined,
    serial.call(100, write(0, null), write(0, null)),
    started(110, "file-write"),
    serial.too(onStream(200, { write: "abc" }), data(1, 0, "abc")),
    serial.tick(700, data(1, 0, "abc")),
    serial.tick(1700, data(1, 0, "abc")),
    serial.receive(1710, credit(1, 3, 0)),
    onStream(1720, { write: "d" }),
    serial.tick(2220, data(1, 3, "")),
    serial.receive(2230, credit(1, 3, 1), data(1, 3, "d")),
    serial.receive(2240, credit(1, 4, 128)),
    serial.tick(5000),
  ]),
  gatewayScript(
    "a device that ends a write early says why, and what was still to be sent is moot",
    "§5.7 §6.13",
    [
      ...joined,
      serial.call(100, write(0, null), write(0, null)),
      started(110, "file-write"),
      serial.too(onStream(120, { write: "abc" }), data(1, 0, "abc")),
      telling(
        serial.receive(130, data(1, 0, "", { status: Status.RESOURCE_EXHAUSTED }), credit(1, 1, 0)),
        "1 ended RESOURCE_EXHAUSTED",
      ),
      serial.tick(3000),
    ],
  ),
  gatewayScript(
    "a console's text is taken once and in order, each data answered by one credit, lines go the other way",
    "§5.7 §6.5",
    [
      ...joined,
      serial.call(100, console(0), console(0)),
      // Text may overtake the response.
      telling(serial.receive(110, data(1, 0, "hello "), credit(1, 6, room(6))), "1 read hello "),
      started(120, "console"),
      serial.receive(130, data(1, 0, "hello "), credit(1, 6, room(0))),
      serial.receive(140, data(1, 9, "later"), credit(1, 6, room(0))),
      telling(serial.receive(150, data(1, 3, "lo world"), credit(1, 11, room(5))), "1 read world"),
      serial.receive(160, data(1, 11, ""), credit(1, 11, room(0))),
      serial.too(onStream(170, { write: "ps\n" }), data(1, 0, "ps\n")),
      serial.receive(180, credit(1, 3, 128)),
      serial.too(onStream(190, { end: true }), data(1, 3, "", ended)),
      serial.receive(200, credit(1, 4, 128)),
      telling(serial.receive(210, data(1, 11, "", ended), credit(1, 12, 0)), "1 ended OK"),
      serial.tick(3000),
    ],
  ),
  gatewayScript("a console that is left is cancelled, and data for no stream is NOT_FOUND", "§5.7", [
    ...joined,
    serial.call(100, console(0), console(0)),
    started(110, "console"),
    telling(
      serial.too(onStream(120, { cancel: true }), credit(1, 0, 0, Status.CANCELLED)),
      "1 ended CANCELLED",
    ),
    serial.receive(130, data(9, 77, "x"), credit(9, 77, 0, Status.NOT_FOUND)),
  ]),
  gatewayScript(
    "a stream goes on where its session moves, and ends with a device that is lost or reboots",
    "§5.2 §5.8",
    [
      ...joined,
      serial.call(100, console(0), console(0)),
      started(110, "console"),
      serial.too(onStream(120, { write: "ps\n" }), data(1, 0, "ps\n")),
      mqtt.open(200),
      serial.too(
        mqtt.receive(
          210,
          hello(2, sid, 0),
          welcomeAt(210, 2, { ...overMqtt, streamsKept: true }),
          data(1, 0, "ps\n"),
        ),
        bye(ByeReason.superseded),
      ),
      mqtt.receive(220, credit(1, 3, 128)),
      telling(
        mqtt.receive(
          300,
          { ...hello(1, 0, 0), boot: 0x0506_0708 },
          welcomeAt(300, 1, { ...overMqtt, sid: 8 }),
        ),
        "1 ended ABORTED",
      ),
      mqtt.receive(310, beat(0)),
      mqtt.call(400, console(0, 2), console(0, 2)),
      telling(mqtt.receive(410, response(0, Status.OK)), "console OK"),
      telling(mqtt.receive(420, bye(ByeReason.closing)), "lost closing", "2 ended UNAVAILABLE"),
    ],
  ),
];

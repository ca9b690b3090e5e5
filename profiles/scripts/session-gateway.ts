/** Conversations as the gateway has to hold them (SPEC §5.1–§5.5, §5.8). */
import { ByeReason, commands, Status } from "../src/index.ts";
import {
  end,
  type GatewayScript,
  type GatewayStep,
  gatewayScript,
  mqtt,
  restart,
  serial,
  telling,
  welcomeAt,
} from "./session-gateway-script.ts";
import { gatewayStreams } from "./session-gateway-streams.ts";
import { ack, beat, bye, exec, hello, ping, request, response, sid } from "./session-script.ts";
import { sessionText } from "./session-vectors.ts";

const noSession = bye(ByeReason.noSession);
const superseded = bye(ByeReason.superseded);
const echoHi = (id: number) => exec(id, ["echo", "hi"]);
const reboot = (id: number) => request(id, commands.reboot.op);
/** The device after its first and its second reboot. */
const secondBoot = 0x0506_0708;
const thirdBoot = 0x090a_0b0c;

const joinedOnSerial: readonly GatewayStep[] = [
  serial.open(0, noSession),
  serial.receive(10, hello(1, 0, 0), welcomeAt(10, 1)),
  serial.receive(20, beat(0), ack(0)),
];
const overMqtt = { rtoMs: 2000 };
const joinedOnMqtt: readonly GatewayStep[] = [
  mqtt.open(0),
  mqtt.receive(10, hello(1, 0, 0), welcomeAt(10, 1, overMqtt)),
  mqtt.receive(20, beat(0)),
];

const greetings: readonly GatewayScript[] = [
  gatewayScript(
    "a repeated hello repeats the welcome with the time of then, and changes nothing else",
    "§5.2 §5.3",
    [
      serial.open(0, noSession),
      serial.receive(10, hello(1, 0, 0), welcomeAt(10, 1)),
      serial.receive(300, hello(1, 0, 0), welcomeAt(300, 1)),
      serial.receive(310, beat(0), ack(0)),
      serial.call(320, echoHi(0), echoHi(0)),
      serial.receive(610, hello(1, 0, 0), welcomeAt(610, 1)),
      serial.call(620, ping(1), ping(1)),
      telling(serial.receive(630, response(0, Status.OK)), "exec OK"),
      telling(serial.receive(640, response(1, Status.OK)), "ping OK"),
    ],
  ),
  gatewayScript(
    "a device of the same boot and sid goes on with them and its streams, and what was in flight is repeated",
    "§5.2 §5.8",
    [
      ...joinedOnMqtt,
      mqtt.call(900, echoHi(0), echoHi(0)),
      mqtt.close(1000),
      mqtt.open(2000),
      mqtt.receive(2010, hello(2, sid, 2), welcomeAt(2010, 2, { ...overMqtt, streamsKept: true }), echoHi(0)),
      mqtt.receive(2020, beat(2)),
      mqtt.tick(4010, echoHi(0)),
      telling(mqtt.receive(4020, response(0, Status.OK)), "exec OK"),
    ],
  ),
  gatewayScript("another boot, or a sid that is not the known one, gets a new sid", "§5.2", [
    ...joinedOnSerial,
    serial.receive(1000, { ...hello(1, 0, 0), boot: secondBoot }, welcomeAt(1000, 1, { sid: 8 })),
    serial.receive(1010, beat(0), ack(0)),
    serial.receive(2000, { ...hello(2, 0, 1), boot: secondBoot }, welcomeAt(2000, 2, { sid: 9 })),
    serial.receive(2010, beat(1), ack(0)),
    serial.receive(3000, { ...hello(3, 8, 2), boot: secondBoot }, welcomeAt(3000, 3, { sid: 10 })),
    serial.receive(3010, beat(2), ack(0)),
    serial.receive(4000, { ...hello(1, 10, 0), boot: thirdBoot }, welcomeAt(4000, 1, { sid: 11 })),
  ]),
  gatewayScript("a message outside a session is answered by NO_SESSION, at most once each rto", "§5.3", [
    mqtt.open(0),
    mqtt.receive(10, beat(0), noSession),
    mqtt.receive(2009, beat(2)),
    mqtt.receive(2010, response(3, Status.OK), noSession),
    mqtt.receive(2020, hello(1, sid, 2), welcomeAt(2020, 1, overMqtt)),
    mqtt.receive(2030, beat(2)),
  ]),
  gatewayScript("a serial port that opens is asked for a hello, which counts for the once each rto", "§5.3", [
    serial.open(0, noSession),
    serial.receive(499, beat(0)),
    serial.receive(500, beat(0), noSession),
    serial.receive(999, beat(0)),
    serial.close(1200),
    serial.open(1300, noSession),
  ]),
  gatewayScript(
    "a gateway that starts again goes on with the sid, without streams, and repeats no id",
    "§5.2 §5.5",
    [
      ...joinedOnSerial,
      serial.call(30, echoHi(0), echoHi(0)),
      restart(400),
      serial.open(410, noSession),
      serial.receive(415, beat(0)),
      telling(serial.receive(420, hello(2, sid, 0), welcomeAt(420, 2)), "unknown exec"),
      serial.receive(430, beat(0), ack(0)),
      serial.receive(435, response(0, Status.OK)),
      serial.call(440, echoHi(0), echoHi(64)),
      telling(serial.receive(450, response(64, Status.OK)), "exec OK"),
    ],
  ),
];

/** Pings of consecutive ids, `pauseMs` apart. */
const pings = (line: typeof serial, count: number, firstMs: number, pauseMs: number, firstId: number) =>
  Array.from({ length: count }, (_, i) => line.tick(firstMs + i * pauseMs, ping(firstId + i)));

const liveness: readonly GatewayScript[] = [
  gatewayScript("each beat is acknowledged on serial, nothing else is", "§5.4", [
    ...joinedOnSerial,
    serial.receive(10_010, beat(10), ack(0)),
    serial.receive(10_011, beat(10), ack(0)),
    serial.receive(10_020, response(9, Status.OK)),
    serial.receive(20_010, beat(20), ack(0)),
  ]),
  gatewayScript(
    "silence of 1.3 heartbeats is pinged each rto, one of 2.5 is a loss, and the device comes back without streams",
    "§5.2 §5.4",
    [
      ...joinedOnSerial,
      serial.tick(13_019),
      ...pings(serial, 24, 13_020, 500, 0),
      serial.tick(25_019),
      telling(serial.tick(25_020), "lost silence"),
      serial.receive(30_000, beat(30), noSession),
      serial.receive(30_010, hello(2, sid, 30), welcomeAt(30_010, 2)),
      serial.receive(30_020, beat(30), ack(0)),
    ],
  ),
  gatewayScript(
    "pings come each fifteenth of a heartbeat where rto is longer, and any valid message restarts the silence",
    "§5.4",
    [
      mqtt.open(0),
      mqtt.receive(10, hello(1, 0, 0), welcomeAt(10, 1, { ...overMqtt, heartbeatS: 15 })),
      mqtt.receive(20, beat(0)),
      mqtt.tick(19_519),
      ...pings(mqtt, 3, 19_520, 1000, 0),
      mqtt.receive(21_600, response(2, Status.OK)),
      mqtt.tick(41_099),
      ...pings(mqtt, 18, 41_100, 1000, 3),
      telling(mqtt.tick(59_100), "lost silence"),
    ],
    { heartbeatS: 15 },
  ),
  gatewayScript("a closed line by itself is no loss, silence is", "§5.4", [
    ...joinedOnMqtt,
    mqtt.close(1000),
    mqtt.tick(25_019),
    telling(mqtt.tick(25_020), "lost silence"),
  ]),
];

const exchanges: readonly GatewayScript[] = [
  gatewayScript(
    "a request is repeated after rto, 2, 4, 8 and 8 rto, up to the command's deadline",
    "§5.5",
    [
      serial.open(0, noSession),
      serial.receive(10, hello(1, 0, 0), welcomeAt(10, 1, { rtoMs: 200 })),
      serial.receive(20, beat(0), ack(0)),
      serial.call(1000, echoHi(0), echoHi(0)),
      ...[1200, 1600, 2400, 4000, 5600, 7200, 8800, 10_400].map((at) => serial.tick(at, echoHi(0))),
      telling(serial.tick(11_000), "exec DEADLINE_EXCEEDED"),
      serial.receive(11_100, response(0, Status.OK)),
    ],
    { rtoMs: { serial: 200, mqtt: 2000 } },
  ),
  gatewayScript(
    "replayed answers end an at-most-once request once, and the next one waits for its end",
    "§5.5",
    [
      ...joinedOnSerial,
      serial.call(1000, echoHi(0), echoHi(0)),
      serial.call(1010, echoHi(0)),
      serial.call(1020, ping(0), ping(1)),
      telling(serial.receive(1030, response(1, Status.OK)), "ping OK"),
      serial.tick(1500, echoHi(0)),
      telling(
        serial.receive(1510, response(0, Status.RESOURCE_EXHAUSTED), echoHi(2)),
        "exec RESOURCE_EXHAUSTED",
      ),
      serial.receive(1520, response(0, Status.RESOURCE_EXHAUSTED)),
      telling(serial.receive(1530, response(2, Status.OK)), "exec OK"),
      serial.tick(9000),
    ],
  ),
  gatewayScript(
    "a new boot ends an at-most-once request as ABORTED and a reboot as OK, a mere new sid a reboot too as ABORTED",
    "§5.5",
    [
      ...joinedOnSerial,
      serial.call(1000, echoHi(0), echoHi(0)),
      telling(
        serial.receive(1100, { ...hello(1, 0, 0), boot: secondBoot }, welcomeAt(1100, 1, { sid: 8 })),
        "exec ABORTED",
      ),
      serial.receive(1110, beat(0), ack(0)),
      serial.call(2000, reboot(0), reboot(0)),
      telling(
        serial.receive(2100, { ...hello(1, 0, 0), boot: thirdBoot }, welcomeAt(2100, 1, { sid: 9 })),
        "reboot OK",
      ),
      serial.receive(2110, beat(0), ack(0)),
      serial.call(3000, reboot(0), reboot(0)),
      telling(
        serial.receive(3100, { ...hello(2, 0, 1), boot: thirdBoot }, welcomeAt(3100, 2, { sid: 10 })),
        "reboot ABORTED",
      ),
      serial.receive(3110, beat(1), ack(0)),
      serial.tick(10_000),
    ],
  ),
];

const partings: readonly GatewayScript[] = [
  gatewayScript(
    "a session moves to another line and back: the old one gets bye superseded, and is ignored except for hello",
    "§5.8",
    [
      ...joinedOnSerial,
      serial.call(30, echoHi(0), echoHi(0)),
      mqtt.open(100),
      serial.too(
        mqtt.receive(110, hello(2, sid, 0), welcomeAt(110, 2, { ...overMqtt, streamsKept: true }), echoHi(0)),
        superseded,
      ),
      mqtt.receive(120, beat(0)),
      serial.receive(130, beat(0)),
      serial.receive(140, response(0, Status.INTERNAL)),
      telling(mqtt.receive(150, response(0, Status.OK)), "exec OK"),
      serial.receive(1000, beat(1)),
      mqtt.too(serial.receive(2000, hello(3, sid, 2), welcomeAt(2000, 3, { streamsKept: true })), superseded),
      serial.receive(2010, beat(2), ack(0)),
      mqtt.receive(5000, beat(5)),
    ],
  ),
  gatewayScript("a line that has not greeted does not move the session", "§5.3 §5.8", [
    ...joinedOnSerial,
    mqtt.open(100),
    mqtt.receive(110, beat(0), noSession),
    serial.receive(120, beat(0), ack(0)),
  ]),
  gatewayScript(
    "a device that says closing or sleeping ends its session, and its sid stays known",
    "§5.2 §5.3",
    [
      ...joinedOnMqtt,
      mqtt.call(30, ping(0), ping(0)),
      telling(mqtt.receive(100, bye(ByeReason.closing)), "lost closing", "ping UNAVAILABLE"),
      telling(mqtt.call(200, ping(0)), "ping UNAVAILABLE"),
      mqtt.receive(300, beat(0), noSession),
      mqtt.receive(310, hello(2, sid, 0), welcomeAt(310, 2, overMqtt)),
      mqtt.receive(320, beat(0)),
      telling(mqtt.receive(1000, bye(ByeReason.sleeping, 60)), "asleep 60"),
      mqtt.tick(50_000),
      mqtt.receive(61_000, hello(3, sid, 61), welcomeAt(61_000, 3, overMqtt)),
    ],
  ),
  gatewayScript("other byes from the device are ignored", "§5.3", [
    ...joinedOnSerial,
    serial.receive(30, noSession),
    serial.receive(40, superseded),
    serial.receive(50, bye(9)),
    serial.receive(60, beat(0), ack(0)),
  ]),
  gatewayScript("a gateway that goes away says closing on each line", "§5.3", [
    ...joinedOnSerial,
    mqtt.open(30),
    telling(mqtt.too(serial.too(end(40), bye(ByeReason.closing)), bye(ByeReason.closing)), "lost ended"),
  ]),
];

const note = [
  "Each script is played from a fresh gateway with an empty store. At each step the runner advances time to `at` (what comes due before must send nothing), gives the one input, waits until what had to be stored is stored, and compares everything sent: on each line in order, nothing on lines that `send` does not name.",
  "Inputs: open, close: the line `on` opens, closes; receive: a message comes on it (every hello is admitted); call: somebody wants this request (id: the gateway's), and where it names a stream that is opened for it; write (text), endInput, cancel: the caller of the newest stream sends, ends, leaves it; restart: the gateway loses everything but its store, its lines too; end: it goes away; tick: only time.",
  "Effects, in no order: `lost <why>`, `asleep <seconds>`, `<command> <status>` when a call ends, `unknown <command>` when an at-most-once request of before a restart may have had its effect, `<stream> read <text>` when a stream's reader gets something, which it always waits for, `<stream> ended <status>`.",
  "The device's time starts at `wallS` seconds after 1970. A repeated welcome carries the time of its own sending: the device counts from its last hello.",
  "Choices that the SPEC leaves open: the first sid is 7 and each new one is the stored one + 1; ids begin at 0 with each sid, are reserved in blocks of 64, and each ping takes one of its own. A stream takes the id that was free for the longest time, at first 1; its buffer is 16,384 bytes, and what has just come is in it while the credit is computed. A data message leaves 11 bytes of M for its head and end, and what does not fill one waits while something is in flight.",
  "Not pinned: what the gateway sends to a device that is silent after a welcome (the scripts have its beat come within rto), and whether a bye outside a session is answered. No device has a ring: storedSeq is 0.",
];

/** The content of vectors/session-gateway.json; reasoned from the SPEC by hand like the device's scripts. */
export const gatewayVectors = (): string =>
  sessionText(note, [...greetings, ...liveness, ...exchanges, ...partings, ...gatewayStreams]);

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { encodeMessage } from "@motelet/profiles";
import { MqttLink, ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { type IClientOptions, type MqttClient, connect as mqttConnect } from "mqtt";
import type { DeviceSpec } from "../src/devices/device.ts";
import { DevicePlane } from "../src/devices/device-plane.ts";
import { refusalTexts as commonTexts } from "../src/devices/refusals.ts";
import { Registry } from "../src/devices/registry.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createLogger } from "../src/foundation/log.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { eventsOf } from "../src/mirror/device-events.ts";
import { openStore } from "../src/store/store.ts";
import { defaultMqttLimits } from "../src/transport/mqtt/mqtt-limits.ts";
import { MqttTransport } from "../src/transport/mqtt/mqtt-transport.ts";
import { mqttRefusalTexts } from "../src/transport/mqtt/refusal-texts.ts";
import { CertificateFolder } from "./fakes/certificate-folder.ts";
import { ClientAuthority } from "./fakes/client-authority.ts";

/*
 * Every way in which a client that names a Device is refused, over real sockets: the Device's facts say why and from where, an
 * Event follows from it, and the device's next success clears it.
 */

const refusalTexts = { ...commonTexts, ...mqttRefusalTexts };
type RefusalCode = keyof typeof refusalTexts;

type Listener = "plain" | "mutual" | "psk";

/** A client that does one thing wrong: what it connects with, or what it does once it is connected. */
interface Wrong {
  readonly code: RefusalCode;
  readonly what: string;
  /** Default: plain. */
  readonly over?: Listener;
  /** In addition to the right client id, user name and password (over plain MQTT) of `id`. */
  readonly options?: (id: string) => IClientOptions | Promise<IClientOptions>;
  readonly does?: (client: MqttClient, id: string) => unknown;
  readonly spec?: Partial<DeviceSpec>;
  readonly detail?: string;
}

const key = Buffer.alloc(16, 7);
const keyed = (psk: Uint8Array, identity: string) =>
  ({
    ciphers: "PSK-AES128-GCM-SHA256",
    maxVersion: "TLSv1.2",
    pskCallback: () => ({ psk, identity }),
    checkServerIdentity: () => undefined,
  }) as unknown as IClientOptions;
const hello = (version: number) =>
  Buffer.from(encodeMessage({ kind: "hello", version, boot: 1, attempt: 1, sid: 0 }));
const greet = (version: number) => async (client: MqttClient, id: string) => {
  await client.subscribeAsync(`m/${id}/d`);
  client.publish(`m/${id}/u`, hello(version));
};

let folder: CertificateFolder;
let stranger: ClientAuthority;

const ways: readonly Wrong[] = [
  { code: "wrong-password", what: "another password", options: () => ({ password: "guess" }) },
  { code: "wrong-password", what: "no password", options: () => ({ password: undefined as never }) },
  { code: "wrong-generation", what: "a generation to come", options: (id) => ({ username: `${id}.2` }) },
  { code: "user-name", what: "a user name without generation", options: (id) => ({ username: id }) },
  { code: "user-name", what: "the Device's name as user name", options: () => ({ username: "lamp" }) },
  {
    code: "user-name",
    what: "no user name",
    options: () => ({ username: undefined as never, password: undefined as never }),
  },
  { code: "client-id", what: "a client id that is not the wire id", options: () => ({ clientId: "lamp" }) },
  { code: "client-id", what: "another's user name", options: () => ({ username: "gone.1" }) },
  {
    code: "will",
    what: "a will",
    options: (id) => ({ will: { topic: `m/${id}/u`, payload: Buffer.of(0) } }),
  },
  { code: "persistent-session", what: "a session that is kept", options: () => ({ clean: false }) },
  {
    code: "client-certificate",
    what: "a certificate of another CA",
    over: "mutual",
    options: (id) => stranger.issue(`${id}.1`),
    detail: "CERT_SIGNATURE_FAILURE",
  },
  {
    code: "client-certificate",
    what: "a certificate that has ended",
    over: "mutual",
    options: (id) => folder.clients.issue(`${id}.1`, [], { endsMs: Date.now() - 1_000 }),
    detail: "CERT_HAS_EXPIRED",
  },
  {
    code: "client-certificate",
    what: "a certificate without generation",
    over: "mutual",
    options: (id) => folder.clients.issue(id),
  },
  {
    code: "wrong-generation",
    what: "a certificate of an earlier generation",
    over: "mutual",
    options: async (id) => ({ ...(await folder.clients.issue(`${id}.0`)), username: `${id}.0` }),
  },
  {
    code: "user-name",
    what: "a certificate and another's user name",
    over: "mutual",
    options: async (id) => ({ ...(await folder.clients.issue(`${id}.1`)), username: "gone.1" }),
  },
  {
    code: "wrong-key",
    what: "another key",
    over: "psk",
    options: (id) => keyed(Buffer.alloc(16, 8), `${id}.1`),
  },
  {
    code: "wrong-generation",
    what: "a key's earlier generation",
    over: "psk",
    options: (id) => keyed(key, `${id}.0`),
  },
  {
    code: "unknown-psk-identity",
    what: "a key's bare wire id",
    over: "psk",
    options: (id) => keyed(key, id),
  },
  {
    code: "client-id",
    what: "a key and a client id that is not the wire id",
    over: "psk",
    options: (id) => ({ ...keyed(key, `${id}.1`), clientId: "lamp" }),
  },
  { code: "publish-topic", what: "another's topic", does: (client) => client.publish("m/gone/u", "x") },
  {
    code: "publish-retained",
    what: "a retained message",
    does: (client, id) => client.publish(`m/${id}/u`, "x", { retain: true }),
  },
  { code: "publish-qos", what: "QoS 1", does: (client, id) => client.publish(`m/${id}/u`, "x", { qos: 1 }) },
  { code: "subscribe-topic", what: "everybody's topics", does: (client) => client.subscribe("m/#") },
  {
    code: "packet-too-long",
    what: "more than 2,048 bytes",
    does: (client, id) => client.publish(`m/${id}/u`, Buffer.alloc(3_000)),
  },
  {
    code: "malformed-length",
    what: "a length of five bytes",
    does: (client) => void client.stream.write(Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01)),
  },
  {
    code: "protocol",
    what: "a second CONNECT",
    does: (client) => void client.stream.write(Buffer.from("100c00044d5154540402000a0000", "hex")),
  },
  {
    code: "link-not-listed",
    what: "a carrier that spec.links has not",
    spec: { links: [{ carrier: "serial", port: "pty:lamp" }] },
    does: greet(0),
  },
  { code: "newer-version", what: "firmware from the future", does: greet(9) },
];

/** Refusals of another kind of line, or that take a bound to be reached; where their notes are tested. */
const elsewhere: readonly RefusalCode[] = [
  "other-hardware", // device-plane.test.ts
  "session-table-full", // device-plane-wire.test.ts
  "not-mqtt", // below
  "connect-deadline", // below
  "take-over-limit", // below
];

const metrics = new Metrics();
const log = createLogger({ level: "silent" });
const stack = new AsyncDisposableStack();
let plane: DevicePlane;
let registry: Registry;
const ports = {} as Record<Listener, number>;

before(async () => {
  folder = stack.use(await CertificateFolder.create());
  stranger = await ClientAuthority.create();
  const store = stack.use(openStore({ path: ":memory:", metrics }));
  registry = new Registry(() => systemClock.wallMs());
  plane = stack.use(new DevicePlane({ registry, store, log, metrics, clock: systemClock, heartbeatS: 10 }));
  plane.start();
  const { certFile, keyFile, clientCaFile } = folder;
  const at = { host: "127.0.0.1", port: 0 };
  const { authenticator, acceptor } = plane;
  const transport = stack.use(
    new MqttTransport({
      listeners: [
        { ...at, security: { kind: "plain" } },
        { ...at, security: { kind: "tls", certFile, keyFile, clientCaFile } },
        { ...at, security: { kind: "psk" } },
      ],
      authenticator,
      acceptor,
      log,
      metrics,
      clock: systemClock,
    }),
  );
  const [plain = 0, mutual = 0, psk = 0] = (await transport.start()).ports;
  Object.assign(ports, { plain, mutual, psk });
});
after(() => stack.disposeAsync());

/** A wire id is 1–12 of [a-z0-9]. */
const wireIdOf = (name: string) => name.replaceAll("-", "").slice(0, 12);

function admit(name: string, more: Partial<DeviceSpec> = {}): string {
  registry.admit({
    namespace: "default",
    name,
    uid: `uid-${name}`,
    nodeName: name,
    paused: false,
    identity: { wireId: wireIdOf(name), generation: 1, password: "secret", key },
    ...more,
  });
  return `default/${name}`;
}

const refusalOf = (device: string) => registry.get(device)?.refusal;

async function attempt({ over = "plain", options, does }: Wrong, id: string): Promise<Disposable> {
  const secure = over === "plain" ? {} : { protocol: "mqtts" as const, rejectUnauthorized: false };
  const named = over === "plain" ? { username: `${id}.1`, password: "secret" } : {};
  const client = mqttConnect({
    host: "127.0.0.1",
    port: ports[over],
    protocolVersion: 4,
    clientId: id,
    reconnectPeriod: 0,
    keepalive: 0,
    ...secure,
    ...named,
    ...(await options?.(id)),
  });
  client.on("error", () => {});
  if (does) client.once("connect", () => void does(client, id));
  return { [Symbol.dispose]: () => void client.end(true) };
}

/** The device comes as it should. */
async function succeed(id: string): Promise<void> {
  const link = new MqttLink({
    url: `mqtt://127.0.0.1:${ports.plain}`,
    wireId: id,
    generation: 1,
    password: "secret",
  });
  const device = new ReferenceDevice({ link, name: id });
  await device.start();
  await until(`${id} to be welcome`, () => refusalOf(`default/${id}`) === undefined, 20_000);
  await device.stop();
}

suite("a client that names a Device", { concurrency: 8 }, () => {
  for (const [index, way] of ways.entries()) {
    const { code, what, spec, detail } = way;
    test(`and comes with ${what} is refused as ${code}, which the Device says until it succeeds`, async () => {
      const id = `w${index}`;
      const device = admit(id, spec);
      const before = registry.get(device);
      using _client = await attempt(way, id);
      const refusal = await until(code, () => refusalOf(device), 20_000);
      const { atMs, ...said } = refusal;
      const words = refusalTexts[code];
      assert.deepEqual(said, { code, peer: "127.0.0.1", ...words, ...(detail ? { detail } : {}) });
      assert.ok(Math.abs(Date.now() - atMs) < 10_000);
      const expected = words?.unproved ? "AuthenticationFailed" : "ConnectionRefused";
      const event = eventsOf(before, { ...registry.get(device)!, phase: before!.phase }).find(
        ({ type }) => type === "Warning",
      );
      assert.equal(event?.reason, expected);
      assert.match(
        event?.message ?? "",
        new RegExp(`^a client at 127\\.0\\.0\\.1 was refused: .* \\(${code}.*\\)$`),
      );
      if (spec) admit(id);
      await succeed(id);
    });
  }
});

for (const { code, says, connectDeadlineMs } of [
  { code: "not-mqtt", says: "GET / HTTP/1.1\r\n\r\n", connectDeadlineMs: 20_000 },
  { code: "connect-deadline", says: "", connectDeadlineMs: 50 },
] as const) {
  test(`a client that proves a key and is then refused as ${code} is shown at the Device`, async () => {
    const device = admit(code);
    await using transport = new MqttTransport({
      listeners: [{ host: "127.0.0.1", port: 0, security: { kind: "psk" } }],
      authenticator: plane.authenticator,
      acceptor: plane.acceptor,
      log,
      metrics: new Metrics(),
      clock: systemClock,
      limits: { connectDeadlineMs },
    });
    const { port } = await transport.start();
    const psk = keyed(key, `${wireIdOf(code)}.1`) as object;
    const socket = connectTls({ host: "127.0.0.1", port, ...psk });
    socket.on("error", () => {}).resume();
    socket.write(says);
    assert.equal((await until(code, () => refusalOf(device), 20_000)).code, code);
    socket.destroy();
  });
}

test("a client whose identity is taken over too often is shown at the Device, and not the take-overs before", async () => {
  const device = admit("takes");
  const one: Wrong = { code: "take-over-limit", what: "one too many" };
  const connected: number[] = [];
  using stack = new DisposableStack();
  for (let newcomer = 0; newcomer <= defaultMqttLimits.takeOverBurst; newcomer++) {
    stack.use(await attempt({ ...one, does: () => connected.push(newcomer) }, "takes"));
    await until(`newcomer ${newcomer}`, () => connected.length > newcomer, 20_000);
  }
  assert.equal(refusalOf(device), undefined);
  stack.use(await attempt(one, "takes"));
  const refusal = await until("the refusal", () => refusalOf(device), 20_000);
  assert.equal(refusal.code, "take-over-limit");
});

test("every refusal that a Device's owner reads is provoked here or named", () => {
  const told = (Object.keys(refusalTexts) as RefusalCode[]).filter((code) => refusalTexts[code]);
  const provoked = new Set([...ways.map(({ code }) => code), ...elsewhere]);
  assert.deepEqual([...provoked].sort(), told.sort());
});

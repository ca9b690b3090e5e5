import { join } from "node:path";
import type { DeviceOptions, DeviceState } from "@motelet/reference";
import {
  CoapLink,
  containDeviceErrors,
  type DeviceLink,
  FaultyLink,
  Fleet,
  type FleetSummary,
  MqttLink,
  OptionError,
  parseFaultRates,
  parseServiceAddress,
  SerialLink,
  type Service,
  seededRandom,
  tcpService,
  UnavailableError,
} from "@motelet/reference";
import { Command, InvalidArgumentError } from "commander";
import { BootCounter, fileNameOf } from "../boot-counter.ts";
import { type DeviceIdentity, readIdentities, readOptionFile } from "../device-identities.ts";

interface Options {
  readonly mqtt?: string;
  readonly coap?: string;
  readonly serial?: string;
  readonly identities?: string;
  readonly wireId?: string;
  readonly generation: number;
  readonly passwordFile?: string;
  readonly name?: string;
  readonly board?: string;
  readonly firmware?: string;
  readonly count?: number;
  readonly stateDir?: string;
  readonly files?: string;
  readonly service?: readonly string[];
  readonly seed?: number;
  readonly chatter?: number;
  readonly faults?: string;
  readonly ramp?: number;
  readonly quiet?: boolean;
}

/** Exit code of a command that was called wrongly (sysexits.h EX_USAGE) or could not begin (EX_UNAVAILABLE). */
const exitCodes = { usage: 64, unavailable: 69 } as const;

/** `motelet device run`: emulated devices over MQTT or CoAP, or one behind a serial line, until a signal ends them. */
export function deviceRunCommand(): Command {
  return new Command("run")
    .description("run emulated devices until Ctrl-C")
    .option("--mqtt <url>", "broker, e.g. mqtt://127.0.0.1:1883")
    .option("--coap <url>", "gateway, e.g. coap://127.0.0.1:5683; it needs coap.insecure")
    .option("--identities <file>", "YAML or JSON list of {name, wireId, generation, password, board}")
    .option("--count <n>", "how many of the identities to run (default: all)", wholeNumber)
    .option("--wire-id <id>", "identity of a single device")
    .option("--generation <n>", "generation of its password", wholeNumber, 1)
    .option("--password-file <file>", "file with its password")
    .option("--serial <address>", "one device on unix:/path (listens) or pty:/path (links a pseudo terminal)")
    .option("--name <name>", "name in this command's output")
    .option("--board <name>", "board that hello tells, at most 16 bytes")
    .option("--firmware <text>", 'firmware that hello tells, "name version", at most 20 bytes')
    .option("--state-dir <directory>", "keep boot numbers here (default: a random number each start)")
    .option(
      "--files <directory>",
      "keep each device's files here, in a folder of its name (default: in memory)",
    )
    .option(
      "--service <port=host:port>",
      "what kubectl port-forward finds behind a port, e.g. 8080=127.0.0.1:80; again for more (port 7 echoes)",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option("--seed <n>", "make sensors and reconnect times repeatable", wholeNumber)
    .option("--chatter <seconds>", "log a line every <seconds> seconds", wholeNumber)
    .option(
      "--faults <rates>",
      "chance of faults for each message: drop=0.2,delay=0.1/500,duplicate=0.1,corrupt=0.01,freeze=0.001/30,reset=0.001 " +
        "(delay: at most this many ms; freeze: this many s)",
    )
    .option("--ramp <rate>", "how many devices start each second, e.g. 50/s (default: 200/s)", perSecond)
    .option("--quiet", "only the summary at the end")
    .action(run);
}

async function run(options: Options): Promise<void> {
  try {
    await runUntilSignal(await planDevices(options), options);
  } catch (error) {
    if (!(error instanceof OptionError || error instanceof UnavailableError)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    process.stderr.write(`motelet device run: ${error.message}${cause}\n`);
    process.exitCode = error instanceof OptionError ? exitCodes.usage : exitCodes.unavailable;
  }
}

/** What to run, from the options alone. @throws OptionError */
export async function planDevices(options: Options): Promise<DeviceOptions[]> {
  const carriers = [options.mqtt, options.coap, options.serial].filter((address) => address !== undefined);
  if (carriers.length !== 1) throw new OptionError("OPTIONS", "give one of --mqtt, --coap and --serial");
  if (options.serial !== undefined) return [planSerial(options, options.serial)];
  const identities = await identitiesOf(options);
  const count = options.count ?? identities.length;
  if (count > identities.length)
    throw new OptionError("OPTIONS", `--count ${count}: there are only ${identities.length} identities`);
  return identities.slice(0, count).map((identity, index) => planNetwork(options, identity, index));
}

function planSerial(options: Options, address: string): DeviceOptions {
  const name = options.name ?? "serial";
  return { ...common(options, name, 0), link: withFaults(new SerialLink(address), options, 0) };
}

function planNetwork(options: Options, identity: DeviceIdentity, index: number): DeviceOptions {
  const { name, board } = identity;
  return {
    ...common(options, name, index),
    ...(board === undefined ? {} : { board }),
    link: withFaults(linkOf(options, identity, index), options, index),
  };
}

function linkOf(
  options: Options,
  { wireId, generation, password }: DeviceIdentity,
  index: number,
): DeviceLink {
  const random = options.seed === undefined ? {} : { random: seededRandom(options.seed + index) };
  const login = { wireId, generation, password, ...random };
  if (options.coap !== undefined) return new CoapLink({ url: options.coap, ...login });
  // Small and fast, and a device that can freeze must not be kept alive by a library's timers.
  return new MqttLink({ url: options.mqtt as string, compact: true, ...login });
}

function withFaults(link: DeviceLink, { faults, seed }: Options, index: number): DeviceLink {
  if (faults === undefined) return link;
  return new FaultyLink(link, parseFaultRates(faults), (seed ?? randomSeed()) + index);
}

const randomSeed = () => Math.floor(Math.random() * 2 ** 32);

function common(options: Options, name: string, index: number): Omit<DeviceOptions, "link"> {
  const counter = options.stateDir === undefined ? undefined : new BootCounter(options.stateDir, name);
  return {
    name,
    ...(options.board === undefined ? {} : { board: options.board }),
    ...(options.firmware === undefined ? {} : { firmware: options.firmware }),
    ...(options.seed === undefined ? {} : { seed: options.seed + index }),
    ...(options.files === undefined ? {} : { filesFolder: join(options.files, fileNameOf(name)) }),
    ...(options.service === undefined ? {} : { services: servicesOf(options.service) }),
    ...(counter ? { boot: counter.next(), onBoot: (boot: number) => counter.keep(boot) } : {}),
  };
}

function servicesOf(addresses: readonly string[]): ReadonlyMap<number, Service> {
  return new Map(addresses.map(parseServiceAddress).map(({ port, target }) => [port, tcpService(target)]));
}

async function identitiesOf(options: Options): Promise<DeviceIdentity[]> {
  const { identities, wireId, generation, passwordFile, name } = options;
  if (identities !== undefined) return readIdentities(identities);
  if (wireId === undefined || passwordFile === undefined)
    throw new OptionError("OPTIONS", "--mqtt and --coap need --identities, or --wire-id and --password-file");
  const password = await readOptionFile(passwordFile);
  return [{ name: name ?? wireId, wireId, generation, password }];
}

/** Runs the devices, prints one line a state change, says goodbye on SIGINT and SIGTERM, and sums up. */
async function runUntilSignal(plans: readonly DeviceOptions[], options: Options): Promise<void> {
  const stopping = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.resolve());
  const told = options.quiet
    ? plans
    : plans.map((plan) => ({ ...plan, onState: printer(plan.name ?? "device") }));
  const fleet = new Fleet(told, options.ramp === undefined ? {} : { startsPerSecond: options.ramp });
  using _contained = containDeviceErrors((device, error) => sayFailure(device.name, error));
  const chatter = options.chatter ? setInterval(() => chat(fleet), options.chatter * 1000) : undefined;
  try {
    await Promise.race([fleet.start(), stopping.promise]);
    await stopping.promise;
    process.stdout.write(formatSummary(fleet.summary()));
  } finally {
    clearInterval(chatter);
    await fleet.stop();
  }
}

/** Says where in the code a device ended; what `--quiet` hides is its states, not this. */
function sayFailure(name: string, error: unknown): void {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${name}: ended by an error in its code, the other devices go on: ${what}\n`);
}

/** Two lines for people. */
export function formatSummary(summary: FleetSummary): string {
  const { devices, online, failed, messagesOut, messagesIn, reconnects, bytesOut, bytesIn, faults } = summary;
  const happened = Object.entries(faults).filter(([, count]) => count > 0);
  const injected = happened.map(([kind, count]) => `${count} ${kind}`).join(", ") || "none";
  return (
    `${devices} devices, ${online} online, ${failed > 0 ? `${failed} failed, ` : ""}${reconnects} reconnects, faults injected: ${injected}\n` +
    `${messagesOut} messages out and ${messagesIn} in, ${bytesOut} bytes out and ${bytesIn} in\n`
  );
}

const printer = (name: string) => (state: DeviceState, reason: string) =>
  void process.stdout.write(`${name}: ${state} (${reason})\n`);

function chat(fleet: Fleet): void {
  for (const device of fleet.devices) device.log(`${device.name} is well`);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

function perSecond(text: string): number {
  const rate = Number(/^(\d{1,6}(?:\.\d+)?)(?:\/s)?$/.exec(text)?.[1]);
  if (!(rate > 0)) throw new InvalidArgumentError("expected a rate such as 50/s");
  return rate;
}

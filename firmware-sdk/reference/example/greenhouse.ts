/**
 * A device with parts of its own, behind a serial line:
 *
 *   node --conditions=motelet-source firmware-sdk/reference/example/greenhouse.ts unix:/tmp/greenhouse.sock
 */
import { Status } from "@motelet/profiles";
import {
  type DeviceOptions,
  type Service,
  type ShellCommand,
  startSerialDevice,
  switchPeripheral,
} from "@motelet/reference";

const longestWateringS = 60;

/** `water SECONDS`: what is returned goes on until it calls `exit`. */
const water: ShellCommand = (process, [text = ""]) => {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > longestWateringS) {
    process.printError("water: usage: water SECONDS\n");
    process.exit(2);
    return undefined;
  }
  const wakeAtMs = process.nowMs + seconds * 1000;
  return {
    wakeAtMs,
    step() {
      if (process.nowMs < wakeAtMs) return;
      process.print(`watered for ${seconds} s\n`);
      process.exit(0);
    },
  };
};

/** Answers in capitals: it takes no more than its output has room for, and ends with its input. */
const capitals: Service = (output, settled) => {
  settled(Status.OK);
  return {
    get room() {
      return output.free;
    },
    take: (bytes) =>
      void output.write(Buffer.from(Buffer.from(bytes).toString("latin1").toUpperCase(), "latin1")),
    end: (status) => output.finish({ status }),
    closed: () => {},
  };
};

/** The parts of this device, in addition to those of every device. Its files stay in a folder, if one is given. */
export function greenhouse(filesFolder?: string): Omit<DeviceOptions, "link"> {
  return {
    name: "greenhouse",
    shell: new Map([["water", { usage: "water SECONDS", what: "waters the plants", run: water }]]),
    services: new Map([[23, capitals]]),
    peripherals: () => [switchPeripheral("pump0", "relay")],
    files: { totalBytes: 65_536, files: 16 },
    ...(filesFolder === undefined ? {} : { filesFolder }),
  };
}

const [, , address, folder] = process.argv;
if (import.meta.main && address !== undefined) await startSerialDevice({ address, ...greenhouse(folder) });

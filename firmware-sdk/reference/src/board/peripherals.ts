import { helpOf } from "../shell/basic.ts";
import { type ShellCommandRow, unknownCommand } from "../shell/call.ts";
import type { Peripheral, ShellCommand } from "../shell/process.ts";

/** A relay or a lamp: on or off. */
export function switchPeripheral(name: string, kind: string): Peripheral {
  let on = false;
  return peripheralOf(name, kind, [
    ["get", { usage: "get", what: "prints on or off", run: printer(() => (on ? "on" : "off")) }],
    [
      "set",
      {
        usage: "set on|off",
        what: "switches it",
        run: (process, [state, ...more]) => {
          const known = more.length === 0 && (state === "on" || state === "off");
          if (known) on = state === "on";
          else process.printError(`${name}: expected on or off\n`);
          process.exit(known ? 0 : 1);
          return undefined;
        },
      },
    ],
  ]);
}

/** A converter that reads a voltage. */
export function adcPeripheral(name: string, readMillivolts: () => number): Peripheral {
  const run = printer(() => String(readMillivolts()));
  return peripheralOf(name, "adc", [["get", { usage: "get", what: "prints the reading in mV", run }]]);
}

const printer =
  (text: () => string): ShellCommand =>
  (process) => {
    process.print(`${text()}\n`);
    process.exit(0);
    return undefined;
  };

function peripheralOf(name: string, kind: string, own: readonly [string, ShellCommandRow][]): Peripheral {
  const commands = new Map(own);
  commands.set("help", {
    usage: "help",
    what: "lists the commands",
    run: (process) => helpOf(process, commands),
  });
  return {
    name,
    kind,
    run(process, [word = "", ...args]) {
      const command = commands.get(word);
      return command ? command.run(process, args) : unknownCommand(process, `${name}: ${word}`);
    },
  };
}

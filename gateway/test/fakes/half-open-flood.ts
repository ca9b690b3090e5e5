import { type ChildProcess, spawn } from "node:child_process";

/**
 * Another process that opens sockets without end, says the beginning of something on each and then nothing. Up to 256
 * at a time; a socket that is closed is replaced. Not done: other addresses than 127.0.0.1.
 */
export class HalfOpenFlood implements Disposable {
  readonly #process: ChildProcess;
  /** What it died of, if it did. */
  failure: string | undefined;

  /** @param hex what each socket says */
  constructor(port: number, hex: string) {
    this.#process = spawn(process.execPath, ["-e", program, String(port), hex], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process.stderr?.on("data", (chunk) => {
      this.failure = `${this.failure ?? ""}${String(chunk)}`;
    });
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

const program = `
const { connect } = require("node:net");
const [port, hex] = process.argv.slice(1);
function open() {
  const socket = connect(Number(port), "127.0.0.1", () => socket.write(Buffer.from(hex, "hex")));
  socket.on("error", () => {});
  socket.on("close", () => setTimeout(open, 20));
}
for (let count = 0; count < 256; count++) open();
`;

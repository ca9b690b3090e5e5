import { type AddressInfo, createServer, connect as openSocket, type Server, type Socket } from "node:net";
import { dropSocket } from "../../../firmware-sdk/reference/src/carrier/drop-socket.ts";

/** A TCP proxy on a port of 127.0.0.1 whose connections can fall silent, end or break at a word. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #forgotten = new WeakSet<readonly [Socket, Socket]>();
  #mode: "pass" | "silent" | "refuse" = "pass";

  private constructor(port: number, host: string) {
    this.#target = { host, port };
    // Halves close separately: a proxy that closes both would hide what a peer does with a half-closed one.
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#connect(near));
  }

  /** @param port where connections go, on `host` */
  static async start(port: number, host = "127.0.0.1"): Promise<TcpProxy> {
    const proxy = new TcpProxy(port, host);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * From now on no byte passes, on old connections and new ones, which stay open: what a router does that has lost its
   * memory, or a device without power.
   */
  fallSilent(): void {
    this.#mode = "silent";
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** The connections that are open never say anything again, and new ones pass: what is left of a path that moved elsewhere. */
  forgetConnections(): void {
    for (const pair of this.#pairs) {
      for (const socket of pair) socket.pause();
      this.#forgotten.add(pair);
    }
  }

  /** Ends all connections in order (FIN) and refuses new ones. */
  end(): void {
    this.#mode = "refuse";
    for (const pair of this.#pairs) for (const socket of pair) socket.end();
  }

  /** Breaks all connections (RST) and refuses new ones. */
  reset(): void {
    this.#mode = "refuse";
    for (const pair of this.#pairs) for (const socket of pair) dropSocket(socket);
  }

  /** Lets bytes pass again; silent connections of before are broken, as their ends would find out in the end. */
  pass(): void {
    if (this.#mode === "silent")
      for (const pair of this.#pairs) for (const socket of pair) dropSocket(socket);
    this.#mode = "pass";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await closed;
  }

  #connect(near: Socket): void {
    near.on("error", () => {});
    if (this.#mode === "refuse") {
      dropSocket(near);
      return;
    }
    const far = openSocket({ ...this.#target, allowHalfOpen: true });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      from.on("end", () => to.end());
      from.on("data", (chunk) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => {
        if (this.#mode === "pass" && !this.#forgotten.has(pair)) from.resume();
      });
      if (this.#mode === "silent") from.pause();
    }
  }
}

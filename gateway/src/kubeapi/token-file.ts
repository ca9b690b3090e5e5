import { readFile } from "node:fs/promises";
import { ConfigError, messageOf } from "../foundation/errors.ts";

/** The kubelet replaces a projected token at 80 % of its life (an hour by default); a minute is soon enough. */
const rereadMs = 60_000;

/** A bearer token in a file that another process renews. */
export class TokenFile {
  readonly #path: string;
  readonly #nowMs: () => number;
  #token: string | undefined;
  #readAtMs = 0;

  constructor(path: string, nowMs: () => number = () => performance.now()) {
    this.#path = path;
    this.#nowMs = nowMs;
  }

  /**
   * @param fresh read the file even if it was read a short time ago (the API server refused the token)
   * @throws ConfigError if the file was never readable; after later failures the last token is used
   */
  async read(fresh: boolean): Promise<string> {
    if (this.#token !== undefined && !fresh && this.#nowMs() - this.#readAtMs < rereadMs) return this.#token;
    try {
      this.#token = (await readFile(this.#path, "utf8")).trim();
      this.#readAtMs = this.#nowMs();
    } catch (cause) {
      if (this.#token === undefined) {
        throw new ConfigError("TOKEN_READ", `cannot read token ${this.#path}: ${messageOf(cause)}`, {
          cause,
        });
      }
    }
    return this.#token;
  }
}

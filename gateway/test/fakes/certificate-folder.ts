import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientAuthority } from "./client-authority.ts";

/** A folder like a mounted Secret: a server certificate for 127.0.0.1 with its key, and a CA for clients. */
export class CertificateFolder implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), "motelet-certificates-"));
  readonly certFile = join(this.#path, "tls.crt");
  readonly keyFile = join(this.#path, "tls.key");
  readonly clientCaFile = join(this.#path, "ca.crt");
  readonly server: ClientAuthority;
  readonly clients: ClientAuthority;

  private constructor(server: ClientAuthority, clients: ClientAuthority) {
    this.server = server;
    this.clients = clients;
  }

  static async create(): Promise<CertificateFolder> {
    const folder = new CertificateFolder(await ClientAuthority.create(), await ClientAuthority.create());
    await folder.renew();
    writeFileSync(folder.clientCaFile, folder.clients.pem);
    return folder;
  }

  /** Replaces the server's certificate and key; each is for `name`, too. */
  async renew(name = "gateway.example"): Promise<void> {
    const { cert, key } = await this.server.issue(name, [], { use: "server", hosts: [name, "127.0.0.1"] });
    writeFileSync(this.certFile, cert);
    writeFileSync(this.keyFile, key);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true });
  }
}

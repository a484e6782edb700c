import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.js";
import { findProgram, startProgram } from "./program.js";

/** OpenLDAP's server, with what it holds in a temporary folder. */
export interface Slapd {
  /** `ldap://127.0.0.1:PORT`. */
  readonly url: string;
  /** `ldaps://127.0.0.1:PORT`, where it was given a certificate. */
  readonly secureUrl: string;
  stop(): Promise<void>;
}

export interface SlapdOptions {
  /** Such as `dc=example,dc=org`. */
  readonly suffix: string;
  /** Its entries, the suffix's own first. */
  readonly ldif: string;
  /** Lines of slapd.conf for the database, such as `access to …`. */
  readonly database?: readonly string[];
  /** PEM. */
  readonly tls?: { readonly ca: string; readonly certificate: string; readonly key: string };
  /** Lines of slapd.conf before the database, such as `TLSVerifyClient demand`. */
  readonly global?: readonly string[];
}

const SCHEMAS = ["core", "cosine", "inetorgperson", "nis"];

export const slapdProgram = (): string | undefined => findProgram("slapd");

export async function startSlapd({ suffix, ldif, database = [], tls, global = [] }: SlapdOptions): Promise<Slapd> {
  const command = slapdProgram();
  const load = findProgram("slapadd");
  if (!command || !load) throw new Error("slapd is not installed; install the package slapd");
  const folder = await mkdtemp(join(tmpdir(), "coffer-slapd-"));
  const file = (name: string) => join(folder, name);
  const [port, securePort] = [await freePort(), await freePort()];
  try {
    await mkdir(file("data"));
    if (tls) await Promise.all([writeFile(file("ca.pem"), tls.ca), writeFile(file("server.pem"), tls.certificate), writeFile(file("server.key"), tls.key, { mode: 0o600 })]);
    const certificates = tls ? [`TLSCACertificateFile ${file("ca.pem")}`, `TLSCertificateFile ${file("server.pem")}`, `TLSCertificateKeyFile ${file("server.key")}`] : [];
    const schemas = SCHEMAS.map((name) => `include /etc/ldap/schema/${name}.schema`);
    const lines = [...schemas, `pidfile ${file("pid")}`, "modulepath /usr/lib/ldap", "moduleload back_mdb", ...certificates, ...global, "database mdb", `suffix "${suffix}"`, `directory ${file("data")}`, "maxsize 16777216", ...database];
    await writeFile(file("slapd.conf"), `${lines.join("\n")}\n`);
    await writeFile(file("entries.ldif"), ldif);
    const loaded = spawnSync(load, ["-f", file("slapd.conf"), "-l", file("entries.ldif")], { encoding: "utf8" });
    if (loaded.status !== 0) throw new Error(`slapadd failed: ${loaded.stderr}`);
    const url = `ldap://127.0.0.1:${port}`;
    const secureUrl = `ldaps://127.0.0.1:${securePort}`;
    const program = await startProgram({ command, args: ["-f", file("slapd.conf"), "-h", tls ? `${url} ${secureUrl}` : url, "-d", "0"], isReady: () => isListening(port) });
    return {
      url,
      secureUrl,
      async stop() {
        await program.stop();
        await rm(folder, { recursive: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

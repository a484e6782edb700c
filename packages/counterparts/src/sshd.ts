import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.js";
import { findProgram, startProgram } from "./program.js";

/** OpenSSH's server: undefined where it, its client or ssh-keygen is not installed. */
export function sshdProgram(): string | undefined {
  return findProgram("ssh") && findProgram("ssh-keygen") && findProgram("sshd");
}

export interface SshdOptions {
  /** Public key of the CA whose users are let in; without it nobody is, until `userCaFile` holds one. */
  readonly userCa?: string;
  /** Makes the certificate of the host's public key, where the host is to show one. */
  readonly signHost?: (publicKey: string) => Promise<string>;
}

export interface Sshd {
  readonly port: number;
  /** Read at each login. */
  readonly userCaFile: string;
  readonly output: () => string;
  stop(): Promise<void>;
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

/** A server on loopback that takes certificates and nothing else. */
export async function startSshd({ userCa, signHost }: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "counterpart-sshd-"));
  const path = (name: string) => join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path("host")]);
  if (signHost) writeFileSync(path("host-cert.pub"), await signHost(readFileSync(path("host.pub"), "utf8")));
  const userCaFile = path("ca.pub");
  if (userCa !== undefined) writeFileSync(userCaFile, userCa);
  // Where root's sshd shuts itself in.
  if (process.getuid?.() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { recursive: true });
  const port = await freePort();
  const settings = [
    `ListenAddress 127.0.0.1:${port}`, `HostKey ${path("host")}`, ...(signHost ? [`HostCertificate ${path("host-cert.pub")}`] : []), `TrustedUserCAKeys ${userCaFile}`, "AuthorizedKeysFile none", "PidFile none",
    "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "PermitRootLogin prohibit-password", "StrictModes no",
  ];
  writeFileSync(path("sshd_config"), `${settings.join("\n")}\n`);
  const server = await startProgram({ command: sshdProgram()!, args: ["-D", "-e", "-f", path("sshd_config")], isReady: () => listens(port) });
  return {
    port,
    userCaFile,
    output: server.output,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { EXIT_SERVER, Failure } from "../framework/failure.js";
import { call, type Secret } from "../framework/secret.js";
import { readDestination, type Destination } from "../ssh/destination.js";
import { expandHome, findKeys } from "../ssh/key-files.js";
import { runSsh } from "../ssh/run-ssh.js";

export const command: Command = {
  usage: "ssh [options] [USER@]HOST [SSH OPTIONS] [COMMAND]",
  description:
    "Opens an SSH session with credentials of an SSH secrets engine: a certificate for the user's own key (-mode=ca), or a one-time password (-mode=otp), which is typed in by sshpass where that is installed.\n\n    $ coffer ssh -mode=ca -role=admins ubuntu@host\n    $ coffer ssh -mode=otp -role=hosts ubuntu@10.1.2.3",
  args: { min: 1, max: Infinity, expected: "1-n" },
  flagsFirst: true,
  flags: [
    { name: "mode", kind: "string", help: "ca or otp." },
    { name: "role", kind: "string", help: "Role of the engine." },
    { name: "mount-point", kind: "string", help: "Where the engine is mounted; ssh/ by default." },
    { name: "no-exec", kind: "bool", help: "Print the credentials instead of opening a session." },
    { name: "strict-host-key-checking", kind: "string", env: "VAULT_SSH_STRICT_HOST_KEY_CHECKING", help: "ssh's setting StrictHostKeyChecking; ask by default." },
    { name: "user-known-hosts-file", kind: "string", env: "VAULT_SSH_USER_KNOWN_HOSTS_FILE", help: "ssh's setting UserKnownHostsFile." },
    { name: "public-key-path", kind: "string", help: "Public key to have signed; by default id_ed25519.pub, id_ecdsa.pub or id_rsa.pub in ~/.ssh." },
    { name: "private-key-path", kind: "string", help: "Private key that belongs to it." },
    { name: "host-key-mount-point", kind: "string", env: "VAULT_SSH_HOST_KEY_MOUNT_POINT", help: "Mount of the engine that signs hosts: only hosts with its certificates are trusted." },
    { name: "host-key-hostnames", kind: "string", env: "VAULT_SSH_HOST_KEY_HOSTNAMES", help: "Hosts that it is trusted for; * by default." },
    { name: "valid-principals", kind: "string", help: "Principals of the certificate; by default the user." },
    { name: "ssh-executable", kind: "string", env: "VAULT_SSH_EXECUTABLE", help: "The ssh program; ssh by default." },
  ],
  run: async (context) => {
    const { flags, args } = context;
    const destination = readDestination(args);
    if (destination.host === "") throw new Failure("failed to find a hostname in ssh args");
    if (flags.string("role") === "") throw new Failure("No -role specified. Use -role to tell Vault which ssh role to use for authentication.");
    const mode = flags.string("mode").toLowerCase();
    if (mode === "") throw new Failure("No -mode specified. Use -mode to tell Vault which ssh authentication mode to use.");
    const user = destination.user || userInfo().username;
    if (mode === "ca") return withCertificate(context, user);
    if (mode === "otp") return withPassword(context, { ...destination, user });
    throw new Failure(mode === "dynamic" ? "the mode dynamic is no longer there: use ca or otp" : `Unknown SSH mode: ${flags.string("mode")}`);
  },
};

const mountOf = ({ flags }: Context) => (flags.string("mount-point") || "ssh/").replace(/\/+$/, "");
const sshOf = ({ flags }: Context) => flags.string("ssh-executable") || "ssh";
const isInteractive = ({ flags }: Context) => !flags.bool("non-interactive");
const isBare = ({ flags }: Context) => flags.bool("no-exec");

/** What Vault's client asks for: a session as without certificates. */
const EXTENSIONS = { "permit-X11-forwarding": "", "permit-agent-forwarding": "", "permit-port-forwarding": "", "permit-pty": "", "permit-user-rc": "" };

async function ask(context: Context, what: string, path: string, body?: Record<string, unknown>): Promise<Secret> {
  const client = await context.client();
  const secret = await context.attempt(what, call(client, body ? "PUT" : "GET", path, body ? { body } : undefined));
  if (secret?.data === undefined) throw new Failure(`${what}: the answer is empty`, EXIT_SERVER);
  return secret;
}

const textOf = ({ data }: Secret, name: string) => {
  const value = data?.[name];
  if (typeof value !== "string" || value === "") throw new Failure(`the answer has no ${name}`, EXIT_SERVER);
  return value;
};

async function withCertificate(context: Context, user: string): Promise<number> {
  const { flags, io } = context;
  const keys = findKeys(io, { privateKey: flags.string("private-key-path"), publicKey: flags.string("public-key-path") });
  const wishes = { public_key: await readFile(keys.publicKey, "utf8"), valid_principals: flags.string("valid-principals") || user, cert_type: "user", extensions: EXTENSIONS };
  const signed = await ask(context, `failed to sign public key ${keys.publicKey}`, `${mountOf(context)}/sign/${flags.string("role")}`, wishes);
  if (isBare(context)) return context.printSecret(signed);
  const hosts = flags.string("host-key-mount-point");
  const ca = hosts === "" ? undefined : textOf(await ask(context, "failed to get host signing key", `${hosts.replace(/\/+$/, "")}/config/ca`), "public_key");
  const folder = await mkdtemp(join(tmpdir(), "coffer-ssh-"));
  try {
    const certificate = join(folder, "cert.pub");
    await writeFile(certificate, textOf(signed, "signed_key"), { mode: 0o600 });
    let trust = trustOptions(context);
    if (ca !== undefined) {
      const knownHosts = join(folder, "known_hosts");
      await writeFile(knownHosts, `@cert-authority ${flags.string("host-key-hostnames") || "*"} ${ca}`);
      trust = ["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${knownHosts}`];
    }
    return await runSsh(sshOf(context), ["-i", keys.privateKey, "-o", `CertificateFile=${certificate}`, ...trust, ...context.args], io.env, isInteractive(context));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function trustOptions({ flags, io }: Context): string[] {
  const file = flags.string("user-known-hosts-file");
  return ["-o", `StrictHostKeyChecking=${flags.string("strict-host-key-checking") || "ask"}`, ...(file === "" ? [] : ["-o", `UserKnownHostsFile=${expandHome(io, file)}`])];
}

async function withPassword(context: Context, { user, host, port }: Destination): Promise<number> {
  const { flags, io } = context;
  const secret = await ask(context, "failed to generate credential", `${mountOf(context)}/creds/${flags.string("role")}`, { username: user, ip: await addressOf(host) });
  if (isBare(context)) return context.printSecret(secret);
  const password = textOf(secret, "key");
  const options = [...trustOptions(context), ...(port === "" ? ["-p", String(secret.data?.["port"] ?? 22)] : []), ...context.args];
  const sshpass = findOnPath(io.env["PATH"], "sshpass");
  let code: number;
  if (sshpass === undefined) {
    context.warn('Vault could not locate "sshpass". The OTP code for the session is displayed below. Enter this code in the SSH password prompt. If you install sshpass, Vault can automatically perform this step for you.');
    context.print(`OTP for the session is: ${password}`);
    code = await runSsh(sshOf(context), options, io.env, isInteractive(context));
  } else code = await runSsh(sshpass, ["-e", sshOf(context), ...options], { ...io.env, SSHPASS: password }, isInteractive(context));
  // It may not have been used up.
  const client = await context.client();
  await context.attempt("failed to revoke key", client.send("PUT", "sys/leases/revoke", { body: { lease_id: secret.leaseId, sync: true } }));
  return code;
}

/** Roles of one-time passwords know addresses, not names. Throws Failure. */
async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new Failure(`Error resolving the ssh hostname: ${host}`, undefined, { cause });
  }
}

const findOnPath = (path: string | undefined, name: string) => (path ?? "").split(delimiter).map((folder) => join(folder, name)).find((file) => existsSync(file));

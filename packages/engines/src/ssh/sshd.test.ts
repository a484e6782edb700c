import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { findProgram, freePort, startProgram } from "@coffer/counterparts";
import type { Program } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";

const sshd = findProgram("sshd");
const client = findProgram("ssh");
const options = { skip: (sshd === undefined || client === undefined) && "sshd and ssh are not installed" };
const folder = mkdtempSync(join(tmpdir(), "coffer-sshd-"));
let server: Program | undefined;
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

test("a user with a certificate gets into an sshd that trusts the CA, and one without does not; the host shows one too", options, async () => {
  const { request, mount } = await createHarness();
  await mount("ssh", "ssh");
  await request("POST", "ssh/config/ca", { key_type: "ed25519" });
  const me = userInfo().username;
  await request("POST", "ssh/roles/me", { key_type: "ca", allow_user_certificates: true, allowed_users: `${me},nobody`, default_user: me, default_extensions: { "permit-pty": "" } });
  await request("POST", "ssh/roles/hosts", { key_type: "ca", allow_host_certificates: true, allowed_domains: "*" });

  const path = (name: string) => join(folder, name);
  for (const name of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path(name)]);
  const sign = async (role: string, key: string, more: object) => {
    // The harness has a clock of its own, which may be behind sshd's by years.
    const { body } = await request("POST", `ssh/sign/${role}`, { public_key: readFileSync(path(`${key}.pub`), "utf8"), ...more });
    writeFileSync(path(`${key}-cert.pub`), body["data"].signed_key as string);
  };
  const { text: ca } = await request("GET", "ssh/public_key", undefined, { token: "" });
  writeFileSync(path("ca.pub"), ca);
  writeFileSync(path("known_hosts"), `@cert-authority * ${ca}`);
  await request("POST", "sys/mounts/ssh/tune", { max_lease_ttl: "876000h" });
  const ttl = "438000h";
  await sign("hosts", "host", { cert_type: "host", valid_principals: "127.0.0.1", ttl });
  await sign("me", "user", { ttl });

  const port = await freePort();
  if (process.getuid?.() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { recursive: true });
  chmodSync(path("host"), 0o600);
  const settings = [`ListenAddress 127.0.0.1:${port}`, `HostKey ${path("host")}`, `HostCertificate ${path("host-cert.pub")}`, `TrustedUserCAKeys ${path("ca.pub")}`, "AuthorizedKeysFile none", "PidFile none", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "PermitRootLogin prohibit-password", "StrictModes no"];
  writeFileSync(path("sshd_config"), `${settings.join("\n")}\n`);
  server = await startProgram({ command: sshd!, args: ["-D", "-e", "-f", path("sshd_config")], isReady: () => listens(port) });

  const login = (...more: readonly string[]) =>
    promisify(execFile)(client!, ["-F", "none", "-p", String(port), "-i", path("user"), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${path("known_hosts")}`, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", ...more, `${me}@127.0.0.1`, "echo", "inside"]);
  assert.equal((await login()).stdout.trim(), "inside");
  await sign("me", "user", { ttl, valid_principals: "nobody" });
  await assert.rejects(login(), /Permission denied/);
  rmSync(path("user-cert.pub"));
  await assert.rejects(login(), /Permission denied/);
});

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { sshdProgram, startSshd } from "@coffer/counterparts";
import type { Sshd } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";

const options = { skip: sshdProgram() === undefined && "sshd and ssh are not installed" };
const folder = mkdtempSync(join(tmpdir(), "coffer-sshd-"));
let server: Sshd | undefined;
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

test("a user with a certificate gets into an sshd that trusts the CA, and one without does not; the host shows one too", options, async () => {
  const { request, mount } = await createHarness();
  await mount("ssh", "ssh");
  await request("POST", "ssh/config/ca", { key_type: "ed25519" });
  const me = userInfo().username;
  await request("POST", "ssh/roles/me", { key_type: "ca", allow_user_certificates: true, allowed_users: `${me},nobody`, default_user: me, default_extensions: { "permit-pty": "" } });
  await request("POST", "ssh/roles/hosts", { key_type: "ca", allow_host_certificates: true, allowed_domains: "*" });

  const path = (name: string) => join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path("user")]);
  // The harness has a clock of its own, which may be behind sshd's by years.
  await request("POST", "sys/mounts/ssh/tune", { max_lease_ttl: "876000h" });
  const sign = async (role: string, public_key: string, more: object) => (await request("POST", `ssh/sign/${role}`, { public_key, ttl: "438000h", ...more })).body["data"].signed_key as string;
  const signUser = async (more: object = {}) => writeFileSync(path("user-cert.pub"), await sign("me", readFileSync(path("user.pub"), "utf8"), more));
  const { text: ca } = await request("GET", "ssh/public_key", undefined, { token: "" });
  writeFileSync(path("known_hosts"), `@cert-authority * ${ca}`);
  await signUser();
  server = await startSshd({ userCa: ca, signHost: (publicKey) => sign("hosts", publicKey, { cert_type: "host", valid_principals: "127.0.0.1" }) });

  const login = () =>
    promisify(execFile)("ssh", ["-F", "none", "-p", String(server!.port), "-i", path("user"), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${path("known_hosts")}`, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", `${me}@127.0.0.1`, "echo", "inside"]);
  assert.equal((await login()).stdout.trim(), "inside");
  await signUser({ valid_principals: "nobody" });
  await assert.rejects(login(), /Permission denied/);
  rmSync(path("user-cert.pub"));
  await assert.rejects(login(), /Permission denied/);
});

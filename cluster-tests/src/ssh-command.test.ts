import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sshdProgram, startSshd } from "@coffer/counterparts";
import type { Sshd } from "@coffer/counterparts";
import { createDesk, startDevServer } from "./docs/dev-server.js";
import type { Desk, DevServer } from "./docs/dev-server.js";

const options = { skip: sshdProgram() === undefined && "sshd and ssh are not installed" };
const me = userInfo().username;

let server: DevServer;
let sshd: Sshd;
let desk: Desk;
const home = (...names: readonly string[]) => join(desk.env["HOME"]!, ...names);

function coffer(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("coffer", words, { env: { ...desk.env }, cwd: desk.folder, encoding: "utf8" });
  return { status, stdout, stderr };
}

function ok(...words: readonly string[]): string {
  const { status, stdout, stderr } = coffer(...words);
  assert.equal(status, 0, `${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  if (sshdProgram() === undefined) return;
  server = await startDevServer();
  desk = createDesk(server.env);
  mkdirSync(home(".ssh"), { mode: 0o700 });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", home(".ssh", "id_ed25519")]);
  ok("secrets", "enable", "ssh");
  ok("write", "ssh/config/ca", "key_type=ed25519");
  ok("write", "ssh/roles/users", "key_type=ca", "allow_user_certificates=true", `allowed_users=${me}`, "allowed_extensions=*", "ttl=5m");
  ok("secrets", "enable", "-path=host-signer", "ssh");
  ok("write", "host-signer/config/ca", "key_type=ed25519");
  ok("write", "host-signer/roles/hosts", "key_type=ca", "allow_host_certificates=true", "allowed_domains=*", "ttl=1h");
  ok("write", "ssh/roles/passwords", "key_type=otp", `default_user=${me}`, "cidr_list=127.0.0.0/8", "port=2222");
  sshd = await startSshd({
    userCa: ok("read", "-field=public_key", "ssh/config/ca"),
    async signHost(publicKey) {
      writeFileSync(join(desk.folder, "host.pub"), publicKey);
      return ok("write", "-field=signed_key", "host-signer/sign/hosts", "cert_type=host", "valid_principals=127.0.0.1", "public_key=@host.pub");
    },
  });
});
after(async () => {
  await sshd?.stop();
  await server?.stop();
  desk?.clear();
});

const target = () => [`${me}@127.0.0.1`, "-p", String(sshd.port), "-F", "none", "-o", "BatchMode=yes", "-o", "GlobalKnownHostsFile=none"];

test("coffer ssh opens a session with a certificate, with ssh's own options and exit code", options, () => {
  const login = ["ssh", "-mode=ca", "-role=users", "-host-key-mount-point=host-signer"];
  assert.equal(ok(...login, ...target(), "echo", "inside", "-h").trim(), "inside -h");
  assert.equal(coffer(...login, ...target(), "exit", "7").status, 7);
  assert.equal(ok("ssh", "-mode=ca", "-role=users", "-strict-host-key-checking=accept-new", "-user-known-hosts-file=~/known", ...target(), "echo", "inside").trim(), "inside");
  assert.match(readFileSync(home("known"), "utf8"), /^\[127\.0\.0\.1\]/);
  // The host shows a certificate of another CA than the one that is asked for.
  const strange = coffer("ssh", "-mode=ca", "-role=users", "-host-key-mount-point=ssh", ...target(), "true");
  assert.notEqual(strange.status, 0);
  assert.match(strange.stderr, /Host key verification failed|No .* host certificate/);
  const printed = ok("ssh", "-mode=ca", "-role=users", "-no-exec", "-field=signed_key", "-public-key-path=~/.ssh/id_ed25519.pub", `${me}@127.0.0.1`);
  writeFileSync(join(desk.folder, "cert.pub"), printed);
  const text = execFileSync("ssh-keygen", ["-L", "-f", join(desk.folder, "cert.pub")], { encoding: "utf8" });
  assert.match(text, new RegExp(`Principals: \\n\\s+${me}\\n`));
  assert.match(text, /permit-pty/);
});

test("coffer ssh says what is missing", options, () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 1, /Not enough arguments \(expected 1-n, got 0\)/],
    [["host"], 1, /No -role specified/],
    [["-role=users", "host"], 1, /No -mode specified/],
    [["-role=users", "-mode=none", "host"], 1, /Unknown SSH mode: none/],
    [["-role=users", "-mode=dynamic", "host"], 1, /no longer there/],
    [["-role=users", "-mode=ca", "-private-key-path=none", "host"], 1, /Could not find an SSH public key/],
    [["-role=users", "-mode=ca", "other@host"], 2, /failed to sign public key [\s\S]*other is not a valid value for valid_principals/],
    [["-role=none", "-mode=otp", "127.0.0.1"], 2, /failed to generate credential: [\s\S]*Role "none" not found/],
    [["-role=passwords", "-mode=otp", "no-such-host.invalid"], 1, /Error resolving the ssh hostname/],
    [["-role=users", "-mode=ca", "-ssh-executable=no-such-program", `${me}@host`], 1, /failed to run ssh command/],
  ];
  for (const [words, code, message] of cases) {
    const { status, stderr } = coffer("ssh", ...words);
    assert.equal(status, code, `${words.join(" ")}: ${stderr}`);
    assert.match(stderr, message, words.join(" "));
  }
});

test("a one-time password is for the address, typed in by sshpass where that is there, and revoked afterwards", options, () => {
  const otp = ok("ssh", "-mode=otp", "-role=passwords", "-no-exec", "-field=key", "127.0.0.1");
  const verified = ok("write", "-format=json", "ssh/verify", `otp=${otp}`);
  assert.deepEqual((JSON.parse(verified) as { data: unknown }).data, { ip: "127.0.0.1", role_name: "passwords", username: me });
  // Stands for the programs whose arguments and environment are looked at.
  const bin = desk.env["PATH"]!.split(":")[0]!;
  writeFileSync(join(bin, "recorder"), '#!/bin/sh\necho "$@" > recorded\necho "$SSHPASS" > password\nexit 3\n', { mode: 0o755 });
  const login = ["ssh", "-mode=otp", "-role=passwords", "-ssh-executable=recorder", `${me}@127.0.0.1`, "uptime"];
  const plain = coffer(...login);
  assert.equal(plain.status, 3);
  assert.match(plain.stderr, /could not locate "sshpass"/);
  const shown = /OTP for the session is: (\S+)/.exec(plain.stdout)![1]!;
  assert.equal(readFileSync(join(desk.folder, "recorded"), "utf8").trim(), `-o StrictHostKeyChecking=ask -p 2222 ${me}@127.0.0.1 uptime`);
  assert.match(coffer("write", "ssh/verify", `otp=${shown}`).stderr, /OTP not found/, "it was revoked");
  writeFileSync(join(bin, "sshpass"), '#!/bin/sh\n[ "$1" = -e ] && shift\nexec "$@"\n', { mode: 0o755 });
  const typed = coffer(...login);
  rmSync(join(bin, "sshpass"));
  assert.equal(typed.status, 3);
  assert.equal(typed.stdout, "");
  assert.match(readFileSync(join(desk.folder, "password"), "utf8"), /^[0-9a-f-]{36}\n$/);
});

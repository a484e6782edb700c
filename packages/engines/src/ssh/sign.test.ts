import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findProgram } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import type { Harness } from "../testing/harness.js";

const options = { skip: findProgram("ssh-keygen") === undefined && "ssh-keygen is not installed" };
const folder = mkdtempSync(join(tmpdir(), "coffer-ssh-"));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A key pair of OpenSSH's own making; gives the path of the private key. */
function keygen(type: string, bits?: number): string {
  const path = join(folder, `key-${made++}`);
  execFileSync("ssh-keygen", ["-q", "-t", type, ...(bits === undefined ? [] : ["-b", String(bits)]), "-N", "", "-C", "me@here", "-f", path]);
  return path;
}
const publicKeyOf = (path: string) => readFileSync(`${path}.pub`, "utf8");

/** What OpenSSH makes of a certificate. */
function inspect(certificate: string): string {
  const path = join(folder, `cert-${made++}.pub`);
  writeFileSync(path, certificate);
  return execFileSync("ssh-keygen", ["-L", "-f", path], { env: { ...process.env, TZ: "UTC" } }).toString();
}

async function prepared(ca: Record<string, unknown> = { key_type: "ed25519" }): Promise<Harness> {
  const harness = await createHarness();
  await harness.mount("ssh", "ssh");
  assert.ok((await harness.request("POST", "ssh/config/ca", ca)).status < 300);
  return harness;
}
const USERS = { key_type: "ca", allow_user_certificates: true, allowed_users: "ubuntu,admin", default_user: "ubuntu", default_extensions: { "permit-pty": "" }, ttl: "30m", max_ttl: "1h" };

for (const [type, bits] of [["rsa", 2048], ["ed25519", undefined], ["ecdsa", 256], ["ecdsa", 384], ["ecdsa", 521]] as const) {
  test(`OpenSSH reads a certificate for a key of ${type} ${bits ?? ""}, by a CA of the same`, options, async () => {
    const { request } = await prepared({ key_type: type === "ecdsa" ? "ec" : type, key_bits: bits ?? 0 });
    await request("POST", "ssh/roles/web", USERS);
    const { status, body } = await request("POST", "ssh/sign/web", { public_key: publicKeyOf(keygen(type, bits)) });
    assert.equal(status, 200);
    assert.match(body["data"].serial_number, /^[0-9a-f]{1,16}$/);
    const text = inspect(body["data"].signed_key);
    assert.match(text, /Type: \S+-cert-v01@openssh.com user certificate/);
    assert.match(text, /Key ID: "vault-root-[0-9a-f]{64}"/);
    assert.match(text, new RegExp(`Serial: ${BigInt(`0x${body["data"].serial_number}`)}`));
    assert.match(text, /Valid: from 2025-12-31T23:59:30 to 2026-01-01T00:30:00/);
    assert.match(text, /Principals: \n\s+ubuntu\n/);
    assert.match(text, /Critical Options: \(none\)/);
    assert.match(text, /Extensions: \n\s+permit-pty\n/);
  });
}

test("the options of a certificate are those that were asked for, where the role allows them", options, async () => {
  const { request } = await prepared();
  await request("POST", "ssh/roles/web", { ...USERS, allowed_extensions: "permit-pty,login@github.com", allowed_critical_options: "force-command,source-address", allow_user_key_ids: true });
  const public_key = publicKeyOf(keygen("ed25519"));
  const { body } = await request("POST", "ssh/sign/web", { public_key, valid_principals: "admin,ubuntu", key_id: "mine", ttl: "10m", extensions: { "permit-pty": "", "login@github.com": "ada" }, critical_options: { "source-address": "10.0.0.0/8", "force-command": "/bin/true" } });
  const text = inspect(body["data"].signed_key);
  assert.match(text, /Key ID: "mine"/);
  assert.match(text, /to 2026-01-01T00:10:00/);
  assert.match(text, /admin\n\s+ubuntu\n/);
  assert.match(text, /force-command \/bin\/true\n\s+source-address 10.0.0.0\/8\n/);
  assert.match(text, /permit-pty/);
  for (const wrong of [{ valid_principals: "root" }, { ttl: "2h" }, { ttl: "x" }, { extensions: { "permit-x11-forwarding": "" } }, { extensions: { "permit-pty": {} } }, { critical_options: { "no-touch": "" } }, { cert_type: "host" }, { cert_type: "x" }, { public_key: "x" }, { public_key: "" }, { valid_principals: "" }]) {
    assert.equal((await request("POST", "ssh/sign/web", { public_key, ...wrong })).status, 400, JSON.stringify(wrong));
  }
  assert.equal((await request("POST", "ssh/sign/none", { public_key })).status, 400);
});

test("hosts are signed by the domains of their role", options, async () => {
  const { request } = await prepared();
  const public_key = publicKeyOf(keygen("ed25519"));
  const status = async (role: object, valid_principals: string) => {
    await request("POST", "ssh/roles/hosts", { key_type: "ca", allow_host_certificates: true, ...role });
    return (await request("POST", "ssh/sign/hosts", { public_key, cert_type: "host", valid_principals })).status;
  };
  const domains = { allowed_domains: "example.com,example.org" };
  assert.equal(await status({ ...domains, allow_subdomains: true }, "web.example.com,a.b.example.org"), 200);
  assert.equal(await status({ ...domains, allow_subdomains: true }, "example.com"), 400);
  assert.equal(await status({ ...domains, allow_bare_domains: true }, "example.com"), 200);
  assert.equal(await status({ ...domains, allow_bare_domains: true }, "web.example.com"), 400);
  assert.equal(await status({ ...domains, allow_subdomains: true }, "evilexample.com"), 400);
  assert.equal(await status({}, "example.com"), 400);
  assert.equal(await status({ allowed_domains: "*" }, "anything"), 200);
  assert.equal(await status({ ...domains }, ""), 400);
  assert.equal(await status({ ...domains, allow_empty_principals: true }, ""), 200);
});

test("only keys of the kinds and sizes that a role allows are signed", options, async () => {
  const { request } = await prepared();
  const keys = { rsa: publicKeyOf(keygen("rsa", 2048)), ed25519: publicKeyOf(keygen("ed25519")), ec: publicKeyOf(keygen("ecdsa", 256)) };
  const status = async (allowed: object, key: keyof typeof keys) => {
    await request("POST", "ssh/roles/web", { ...USERS, allowed_user_key_lengths: allowed });
    return (await request("POST", "ssh/sign/web", { public_key: keys[key] })).status;
  };
  assert.equal(await status({ rsa: 2048 }, "rsa"), 200);
  assert.equal(await status({ "ssh-rsa": [3072, 4096] }, "rsa"), 400);
  assert.equal(await status({ rsa: "2048,4096" }, "rsa"), 200);
  assert.equal(await status({ rsa: 2048 }, "ed25519"), 400);
  assert.equal(await status({ ed25519: 0 }, "ed25519"), 200);
  assert.equal(await status({ ec: 384 }, "ec"), 400);
  assert.equal(await status({ "ecdsa-sha2-nistp256": 0 }, "ec"), 200);
});

test("an issued key pair is one that OpenSSH takes", options, async () => {
  const { request } = await prepared();
  await request("POST", "ssh/roles/web", USERS);
  for (const [key_type, key_bits] of [["rsa", 2048], ["ed25519", 0], ["ec", 256]] as const) {
    const { status, body } = await request("POST", "ssh/issue/web", { key_type, key_bits });
    assert.equal(status, 200);
    assert.equal(body["data"].private_key_type, key_type);
    const path = join(folder, `issued-${key_type}`);
    writeFileSync(path, body["data"].private_key, { mode: 0o600 });
    const own = execFileSync("ssh-keygen", ["-y", "-f", path]).toString().split(" ")[1]!;
    const fingerprint = execFileSync("ssh-keygen", ["-l", "-f", path]).toString().split(" ")[1]!;
    assert.ok(own.length > 60);
    assert.ok(inspect(body["data"].signed_key).includes(fingerprint), key_type);
  }
  for (const wrong of [{ key_type: "dsa" }, { key_bits: 1024 }, { key_type: "ec", key_bits: 100 }]) assert.equal((await request("POST", "ssh/issue/web", wrong)).status, 400);
  await request("POST", "ssh/roles/web", { ...USERS, allowed_user_key_lengths: { ec: 256 } });
  assert.equal((await request("POST", "ssh/issue/web", { key_type: "ed25519" })).status, 400);
  assert.equal((await request("POST", "ssh/issue/web", { key_type: "ec", key_bits: 256 })).status, 200);
});

test("a CA of OpenSSH's making is taken over, and its algorithm chosen", options, async () => {
  const { request, mount } = await createHarness();
  await mount("ssh", "ssh");
  assert.equal((await request("GET", "ssh/public_key", undefined, { token: "" })).status, 400);
  assert.equal((await request("GET", "ssh/config/ca")).status, 400);
  const path = keygen("rsa", 3072);
  const pair = { private_key: readFileSync(path, "utf8"), public_key: publicKeyOf(path) };
  for (const wrong of [{ private_key: pair.private_key }, { public_key: pair.public_key }, { ...pair, generate_signing_key: true }, { generate_signing_key: false }, { ...pair, public_key: publicKeyOf(keygen("ed25519")) }, { ...pair, private_key: "x" }, { key_type: "dsa" }, { key_type: "ssh-rsa", key_bits: 1024 }]) {
    const { status, text } = await request("POST", "ssh/config/ca", wrong);
    assert.equal(status, 400);
    assert.ok(!text.includes("PRIVATE KEY"));
  }
  const kept = (await request("POST", "ssh/config/ca", pair)).body["data"];
  assert.deepEqual([kept.public_key, kept.issuer_name], [pair.public_key, ""]);
  assert.equal((await request("POST", "ssh/config/ca", pair)).status, 400);
  assert.deepEqual((await request("GET", "ssh/config/ca")).body["data"], kept);
  const { text, status } = await request("GET", "ssh/public_key", undefined, { token: "" });
  assert.deepEqual([status, text], [200, pair.public_key]);
  for (const [algorithm_signer, shown] of [["", "rsa-sha2-256"], ["rsa-sha2-512", "rsa-sha2-512"], ["ssh-rsa", "ssh-rsa"]]) {
    await request("POST", "ssh/roles/web", { ...USERS, algorithm_signer });
    const { body } = await request("POST", "ssh/sign/web", { public_key: publicKeyOf(keygen("ed25519")) });
    assert.match(inspect(body["data"].signed_key), new RegExp(`Signing CA: RSA .* \\(using ${shown}\\)`));
  }
  assert.equal((await request("DELETE", "ssh/config/ca")).status, 204);
  assert.equal((await request("POST", "ssh/sign/web", { public_key: publicKeyOf(path) })).status, 400);
});

test("keys that are none, and certificates, are not signed", options, async () => {
  const { request } = await prepared();
  await request("POST", "ssh/roles/web", USERS);
  const [type, blob] = publicKeyOf(keygen("ed25519")).split(" ");
  const { body } = await request("POST", "ssh/sign/web", { public_key: `${type} ${blob}` });
  const bytes = Buffer.from(blob!, "base64");
  const forged = [body["data"].signed_key, `ssh-rsa ${blob}`, bytes.subarray(0, -1).toString("base64"), Buffer.concat([bytes, bytes]).toString("base64"), Buffer.concat([bytes, Buffer.from([0])]).toString("base64"), "AAAA", "%%", `${type} ${"A".repeat(10_000)}`, Buffer.from([255, 255, 255, 255]).toString("base64")];
  for (const public_key of forged) assert.equal((await request("POST", "ssh/sign/web", { public_key })).status, 400, String(public_key).slice(0, 40));
  assert.equal((await request("POST", "ssh/sign/web", { public_key: blob })).status, 200);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findProgram } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";

const options = { skip: findProgram("ssh-keygen") === undefined && "ssh-keygen is not installed" };
const folder = mkdtempSync(join(tmpdir(), "coffer-ssh-issuers-"));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
function keygen(...more: readonly string[]): { readonly private_key: string; readonly public_key: string } {
  const path = join(folder, `key-${made++}`);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "me", "-f", path, ...more]);
  return { private_key: readFileSync(path, "utf8"), public_key: readFileSync(`${path}.pub`, "utf8") };
}

function read(what: "-L" | "-l", text: string): string {
  const path = join(folder, `file-${made++}`);
  writeFileSync(path, text);
  return execFileSync("ssh-keygen", [what, "-f", path]).toString();
}
const fingerprint = (publicKey: string) => read("-l", publicKey).split(" ")[1]!;

async function prepared() {
  const harness = await createHarness();
  await harness.mount("ssh", "ssh");
  const data = async (method: Parameters<typeof harness.request>[0], path: string, body?: Record<string, unknown>) => {
    const answer = await harness.request(method, `ssh/${path}`, body);
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return { ...answer.body["data"], warnings: answer.body.warnings ?? [] };
  };
  const refusal = async (path: string, body: Record<string, unknown>) => {
    const { status, body: answer, text } = await harness.request("POST", `ssh/${path}`, body);
    assert.equal(status, 400, text);
    return answer.errors![0]!;
  };
  return { ...harness, data, refusal };
}

test("roles sign by the issuer that they name, and OpenSSH sees whose signature it is", options, async () => {
  const { data, request, refusal } = await prepared();
  const first = await data("POST", "issuers/import/blue", { key_type: "ed25519" });
  const pair = keygen("-t", "ecdsa", "-b", "384");
  const second = await data("POST", "issuers/import", { ...pair, issuer_name: "green" });
  assert.deepEqual([first.issuer_name, second.issuer_name, second.public_key], ["blue", "green", pair.public_key]);
  assert.equal((await data("GET", "config/issuers")).default, first.issuer_id, "the first is the default");
  assert.deepEqual(await data("GET", "config/ca"), { ...first, warnings: [] });
  const list = await data("LIST", "issuers");
  assert.deepEqual(list.key_info[second.issuer_id], { issuer_name: "green", is_default: false, public_key: pair.public_key });
  assert.equal(list.keys.length, 2);
  for (const [ref, issuer] of [["default", first], ["blue", first], ["green", second], [second.issuer_id, second]] as const) {
    assert.equal((await request("GET", `ssh/issuer/${ref}/public_key`, undefined, { token: "" })).text, issuer.public_key);
    assert.equal((await request("GET", `ssh/issuer/${ref}`, undefined, { token: "" })).status, 403);
    await data("POST", "roles/web", { key_type: "ca", allow_user_certificates: true, allowed_users: "*", default_user: "me", issuer_ref: ref });
    assert.equal((await data("GET", "roles/web")).issuer_ref, ref);
    const signed = await data("POST", "sign/web", { public_key: pair.public_key });
    assert.equal(signed.issuer_id, issuer.issuer_id);
    assert.ok(read("-L", signed.signed_key).includes(`Signing CA: `) && read("-L", signed.signed_key).includes(fingerprint(issuer.public_key)), ref);
  }
  const changed = await data("POST", "config/issuers", { default: "green" });
  assert.equal(changed.default, second.issuer_id);
  assert.match(changed.warnings[0], /^Previous default \(.*\) has been updated with the issuer 'green' \(resolved to /);
  assert.match((await data("POST", "config/issuers", { default: "green" })).warnings[0], /already set/);
  assert.equal((await request("GET", "ssh/public_key", undefined, { token: "" })).text, pair.public_key);
  assert.match(await refusal("config/issuers", { default: "default" }), /can't be 'default'/);
  assert.match(await refusal("config/issuers", { default: "red" }), /unable to find issuer for reference: red/);
});

test("an issuer is known by its key, renamed, and removed with word of who used it", options, async () => {
  const { data, request, refusal, store } = await prepared();
  const pair = keygen("-t", "rsa", "-b", "3072");
  const { issuer_id: id } = await data("POST", "issuers/import/blue", pair);
  const again = await data("POST", "issuers/import/other", pair);
  assert.deepEqual([again.issuer_id, again.issuer_name], [id, "blue"]);
  assert.match(again.warnings[0], /already exists/);
  const before = store.index();
  const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["issuers/import/blue", { key_type: "ed25519" }, /name already in use/],
    ["issuers/import/default", { key_type: "ed25519" }, /reserved keyword/],
    ["issuers/import", { issuer_name: "a/b", key_type: "ed25519" }, /invalid characters/],
    ["issuers/import", { ...pair, public_key: keygen("-t", "ed25519").public_key }, /not that of private_key/],
    ["issuers/import", { ...pair, private_key: "x" }, /could not parse private_key/],
    ["issuers/import", keygenWithPassphrase(), /could not parse private_key/],
    ["issuers/import", { key_type: "dsa" }, /unknown ssh key pair algorithm/],
    ["issuer/none", { issuer_name: "x" }, /unable to find issuer/],
    ["issuer/blue", {}, /expected non-empty issuer name/],
    ["config/ca", { key_type: "ed25519" }, /already configured/],
    ["sign/web", { public_key: pair.public_key }, /Unknown role/],
  ];
  for (const [path, body, message] of wrong) assert.match(await refusal(path, body), message, path);
  assert.equal(store.index(), before);
  await data("POST", "roles/web", { key_type: "ca", allow_user_certificates: true, allowed_users: "*", issuer_ref: "blue" });
  const renamed = await data("POST", "issuer/blue", { issuer_name: "navy" });
  assert.deepEqual([renamed.issuer_name, renamed.warnings], ["navy", ["1 roles reference 'blue'"]]);
  assert.match(await refusal("sign/web", { public_key: pair.public_key, valid_principals: "me" }), /unable to find issuer for reference: blue/);
  await data("POST", "roles/web", { key_type: "ca", allow_user_certificates: true, allowed_users: "*" });
  const removed = await data("DELETE", "issuer/navy");
  assert.match(removed.warnings[0], /this was configured as the default issuer/);
  assert.equal(removed.warnings[1], "1 roles reference 'default'");
  assert.equal((await request("DELETE", "ssh/issuer/navy")).status, 204);
  assert.equal((await request("GET", "ssh/config/issuers")).status, 400);
  for (let i = 0; i < 2; i++) await data("POST", "issuers/import", { key_type: "ed25519" });
  assert.match((await data("DELETE", "config/ca")).warnings[0], /Deleted 2 issuers/);
  assert.equal((await request("LIST", "ssh/issuers")).status, 404);
  assert.equal((await data("DELETE", "tidy/dynamic-keys")).message, "Removed 0 of 0 host keys.");
});

function keygenWithPassphrase() {
  const path = join(folder, `locked-${made++}`);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", path]);
  return { private_key: readFileSync(path, "utf8"), public_key: readFileSync(`${path}.pub`, "utf8") };
}

test("private keys of every form that there is are taken over", options, async () => {
  for (const more of [["-t", "rsa", "-b", "2048"], ["-t", "rsa", "-b", "2048", "-m", "PEM"], ["-t", "rsa", "-b", "2048", "-m", "PKCS8"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "521", "-m", "PEM"], ["-t", "ecdsa", "-b", "384", "-m", "PKCS8"], ["-t", "ed25519"]]) {
    const { data } = await prepared();
    const pair = keygen(...more);
    await data("POST", "config/ca", pair);
    await data("POST", "roles/web", { key_type: "ca", allow_user_certificates: true, allowed_users: "*", default_user: "me" });
    const { signed_key } = await data("POST", "sign/web", { public_key: pair.public_key });
    assert.ok(read("-L", signed_key).includes(fingerprint(pair.public_key)), more.join(" "));
  }
});

test("a public key that is no point of its curve, or a number below zero, is refused", options, async () => {
  const { data, refusal } = await prepared();
  await data("POST", "config/ca", { key_type: "ed25519" });
  await data("POST", "roles/web", { key_type: "ca", allow_user_certificates: true, allowed_users: "*", default_user: "me" });
  const blob = (...more: readonly string[]) => Buffer.from(keygen(...more).public_key.split(" ")[1]!, "base64");
  const curve = blob("-t", "ecdsa", "-b", "256");
  const off = Buffer.from(curve);
  off[off.length - 1]! ^= 1;
  const compressed = Buffer.from(curve);
  compressed[curve.length - 65] = 2;
  const renamed = Buffer.from(curve.toString("latin1").replace("nistp256\0", "nistp384\0"), "latin1");
  const rsa = blob("-t", "rsa", "-b", "2048");
  const negative = Buffer.from(rsa);
  negative[negative.length - 257] = 0x80;
  const everybodys = Buffer.concat([rsa.subarray(0, 11), Buffer.from([0, 0, 0, 1, 1]), rsa.subarray(18)]);
  for (const broken of [off, compressed, renamed, negative, everybodys]) assert.match(await refusal("sign/web", { public_key: broken.toString("base64") }), /broken key/);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

/**
 * Keys that a server with Vault's transit engine made, with what it made with them: backups, ciphertexts, signatures, HMACs and
 * exports, of every type and with several versions. Data only.
 */
interface VaultKey {
  readonly name: string;
  readonly type: string;
  readonly backup: string;
  readonly convergent_encryption?: boolean;
  readonly read: Readonly<Record<string, unknown>>;
  readonly encrypted: readonly Readonly<Record<string, string>>[];
  readonly signed: readonly Readonly<Record<string, unknown>>[];
  readonly hmacs: readonly Readonly<Record<string, string>>[];
  readonly exported: Readonly<Record<string, unknown>>;
}

const keys = JSON.parse(readFileSync(new URL("../../src/transit/testdata/vault-keys.json", import.meta.url), "utf8")) as VaultKey[];

async function restored(key: VaultKey) {
  const harness = await createHarness();
  await harness.mount("transit", "transit");
  assert.equal((await harness.request("POST", "transit/restore", { backup: key.backup })).status, 204);
  const post = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const { status, text, body: answer } = await harness.request("POST", path, body);
    assert.equal(status, 200, text);
    return answer["data"] as Record<string, unknown>;
  };
  return { ...harness, post };
}

for (const key of keys) {
  const { name } = key;

  test(`${name} of a Vault: it reads as it did there`, async () => {
    const { request } = await restored(key);
    const { restore_info: restoredAt, ...read } = (await request("GET", `transit/keys/${name}`)).body["data"] as Record<string, unknown>;
    // The times of the backup itself are of after the fixture's reading.
    const { backup_info: backedUpAt, ...rest } = read;
    assert.deepEqual(rest, key.read);
    assert.deepEqual(Object.keys(restoredAt as object), ["time", "version"]);
    assert.deepEqual(Object.keys(backedUpAt as object), ["time", "version"]);
  });

  test(`${name} of a Vault: what it encrypted is decrypted here`, async () => {
    const { request, post } = await restored(key);
    if (name === "trimmed") await post(`transit/keys/${name}/config`, { min_decryption_version: 2 });
    for (const { plaintext, ciphertext, ...options } of key.encrypted) {
      assert.deepEqual(await post(`transit/decrypt/${name}`, { ciphertext, ...options }), { plaintext });
      if (key.type.startsWith("rsa")) continue;
      const other = await request("POST", `transit/decrypt/${name}`, { ciphertext, ...options, associated_data: "b3RoZXI=" });
      assert.deepEqual([other.status, other.body.errors], [400, ["cipher: message authentication failed"]]);
    }
  });

  if (key.convergent_encryption) test(`${name} of a Vault: convergent ciphertexts are the same here`, async () => {
    const { post } = await restored(key);
    for (const { ciphertext, ...options } of key.encrypted) {
      const [, version] = /^vault:v(\d+):/.exec(ciphertext!)!;
      assert.equal((await post(`transit/encrypt/${name}`, { ...options, key_version: Number(version) }))["ciphertext"], ciphertext);
    }
  });

  test(`${name} of a Vault: its signatures are valid here, and those of something else are not`, async () => {
    const { post } = await restored(key);
    for (const { public_key: publicKey, ...signed } of key.signed) {
      assert.deepEqual(await post(`transit/verify/${name}`, signed), { valid: true }, JSON.stringify(signed));
      const bytes = Buffer.from(signed["input"] as string, "base64");
      bytes[0]! ^= 1;
      assert.deepEqual(await post(`transit/verify/${name}`, { ...signed, input: bytes.toString("base64") }), { valid: false });
      const { signature, ...again } = signed;
      const made = await post(`transit/sign/${name}`, again);
      assert.deepEqual(await post(`transit/verify/${name}`, { ...again, signature: made["signature"] }), { valid: true });
      // Ed25519 is deterministic; so is PKCS #1 v1.5. Only the latest version signs again.
      if ((key.type === "ed25519" || signed["signature_algorithm"] === "pkcs1v15") && (signature as string).startsWith(`vault:v${key.read["latest_version"]}:`)) assert.equal(made["signature"], signature);
      if (publicKey !== undefined && (signature as string).startsWith(`vault:v${key.read["latest_version"]}:`)) assert.equal(made["public_key"], publicKey);
    }
  });

  test(`${name} of a Vault: HMACs and exports are the same here`, async () => {
    const { request, post } = await restored(key);
    for (const { hmac, ...options } of key.hmacs) {
      const [, version] = /^vault:v(\d+):/.exec(hmac!)!;
      assert.equal((await post(`transit/hmac/${name}`, { ...options, key_version: Number(version) }))["hmac"], hmac);
      assert.deepEqual(await post(`transit/verify/${name}`, { ...options, hmac }), { valid: true });
    }
    for (const [kind, exported] of Object.entries(key.exported)) assert.deepEqual((await request("GET", `transit/export/${kind}/${name}`)).body["data"].keys, exported, kind);
  });

  test(`${name} of a Vault: a backup made here says what the restored one said`, async () => {
    const { request } = await restored(key);
    const { backup } = (await request("GET", `transit/backup/${name}`)).body["data"] as { backup: string };
    const untimed = (text: string) => Buffer.from(text, "base64").toString("utf8").replace(/"(?:backup|restore)_info":(?:null|\{[^}]*\})/g, '"info"').replaceAll(/,"external_key_ref":""/g, "").replaceAll(/"rsa_public_key":(?:null|\{[^}]*\}),/g, "");
    assert.equal(untimed(backup), untimed(key.backup));
  });
}

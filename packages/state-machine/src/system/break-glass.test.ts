import assert from "node:assert/strict";
import { test } from "node:test";
import { decrypt, generateKey, readMessage } from "openpgp";
import type { PrivateKey } from "openpgp";
import { readSealConfig, unsealSession } from "../barrier/index.js";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const threeOfFive = () => createRig("break-glass", { shares: 5, threshold: 3 });

async function pgpKey(): Promise<{ readonly publicKey: string; readonly fingerprint: string; open(message: Uint8Array): Promise<string> }> {
  const { privateKey } = await generateKey({ userIDs: [{ name: "holder" }], format: "object" });
  const key: PrivateKey = privateKey;
  return {
    publicKey: base64(key.toPublic().write()),
    fingerprint: key.getFingerprint(),
    async open(binaryMessage) {
      const { data } = await decrypt({ message: await readMessage({ binaryMessage: new Uint8Array(binaryMessage) }), decryptionKeys: key });
      return data;
    },
  };
}

/** Gives shares one by one; the last answer. */
async function give(rig: Rig, path: string, nonce: string, shares: readonly (Uint8Array | string)[]) {
  let last;
  for (const share of shares) last = await rig.ask("update", path, { key: typeof share === "string" ? share : hex(share), nonce }, { token: null });
  return last!;
}

const xor = (a: Uint8Array, b: Uint8Array) => Buffer.from(a.map((byte, at) => byte ^ b[at]!)).toString();

test("a quorum makes a root token, told under a one-time password, that works", async () => {
  const rig = await threeOfFive();
  const { body: begun } = await rig.ask("update", "sys/generate-root/attempt", {}, { token: null });
  assert.deepEqual({ ...begun, nonce: "", otp: "" }, { nonce: "", started: true, progress: 0, required: 3, complete: false, encoded_token: "", encoded_root_token: "", pgp_fingerprint: "", otp: "", otp_length: 28 });
  assert.match(begun.otp, /^[A-Za-z0-9]{28}$/);
  const { body: seen } = await rig.ask("read", "sys/generate-root/attempt", undefined, { token: null });
  assert.deepEqual([seen.nonce, seen.otp], [begun.nonce, ""], "the password is told once");
  const { body: half } = await give(rig, "sys/generate-root/update", begun.nonce, rig.shares.slice(0, 2));
  assert.deepEqual([half.progress, half.complete, half.encoded_token], [2, false, ""]);
  const { body: done } = await give(rig, "sys/generate-root/update", begun.nonce, [base64(rig.shares[4]!)]);
  assert.deepEqual([done.progress, done.complete, done.encoded_token === done.encoded_root_token, done.nonce], [3, true, true, begun.nonce]);
  const token = xor(Buffer.from(done.encoded_token, "base64"), Buffer.from(begun.otp));
  assert.deepEqual((await rig.ask("read", "sys/policies/acl/default", undefined, { token })).status, 200);
  assert.equal((await rig.ask("update", "sys/decode-token", { encoded_token: done.encoded_token, otp: begun.otp }, { token: null })).body.data.token, token);
  assert.equal((await rig.ask("read", "sys/generate-root/attempt", undefined, { token: null })).body.started, false);
});

test("a root token can be told to the holder of a PGP key only", async () => {
  const rig = await createRig();
  const holder = await pgpKey();
  const { body: begun } = await rig.ask("update", "sys/generate-root/attempt", { pgp_key: holder.publicKey }, { token: null });
  assert.deepEqual([begun.otp, begun.pgp_fingerprint], ["", holder.fingerprint]);
  const { body: done } = await give(rig, "sys/generate-root/update", begun.nonce, rig.shares);
  assert.equal(done.pgp_fingerprint, holder.fingerprint);
  const token = await holder.open(Buffer.from(done.encoded_token, "base64"));
  assert.equal((await rig.ask("read", "sys/mounts", undefined, { token })).status, 200);
});

/** A share at its own coordinate that is none of the set's: a random one may have another's coordinate, which is refused in other words. */
const altered = (share: Uint8Array) => share.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

test("a wrong share opens nothing, and the attempt goes on from the beginning", async () => {
  const rig = await threeOfFive();
  const { body: { nonce } } = await rig.ask("update", "sys/generate-root/attempt", {}, { token: null });
  const refused = await give(rig, "sys/generate-root/update", nonce, [rig.shares[0]!, rig.shares[1]!, altered(rig.shares[2]!)]);
  assert.deepEqual([refused.status, refused.body.errors], [400, ["root generation aborted: the key shares are not those of this cluster"]]);
  assert.equal((await rig.ask("read", "sys/generate-root/attempt", undefined, { token: null })).body.progress, 0);
  assert.equal((await give(rig, "sys/generate-root/update", nonce, rig.shares.slice(2))).body.complete, true);
});

test("bad input to generate-root is refused and changes nothing", async () => {
  const rig = await threeOfFive();
  const start = (body: object) => rig.ask("update", "sys/generate-root/attempt", body, { token: null });
  assert.deepEqual((await start({ otp: "short" })).body.errors, ["OTP string has incorrect length"]);
  for (const pgp_key of ["!!", "AAAA"]) assert.equal((await start({ pgp_key })).status, 400);
  assert.deepEqual((await give(rig, "sys/generate-root/update", "n", [rig.shares[0]!])).body.errors, ["no root generation in progress"]);
  const { body: { nonce } } = await start({});
  assert.deepEqual((await start({})).body.errors, ["root generation already in progress"]);
  const update = (body: object) => rig.ask("update", "sys/generate-root/update", body, { token: null });
  assert.deepEqual((await update({ nonce })).body.errors, ["'key' must be specified in request body as JSON"]);
  assert.deepEqual((await update({ key: "%", nonce })).body.errors, ["'key' must be a valid hex or base64 string"]);
  assert.deepEqual((await update({ key: hex(rig.shares[0]!) })).body.errors, [`incorrect nonce supplied; nonce for this root generation operation is "${nonce}"`]);
  assert.match((await update({ key: "aa".repeat(20), nonce })).body.errors[0], /shorter than minimum 32/);
  await update({ key: hex(rig.shares[0]!), nonce });
  assert.deepEqual((await update({ key: hex(rig.shares[0]!), nonce })).body.errors, ["given key has already been provided during this generation operation"]);
  assert.equal((await rig.ask("delete", "sys/generate-root/attempt", undefined, { token: null })).status, 204);
  assert.deepEqual((await rig.ask("read", "sys/generate-root/attempt", undefined, { token: null })).body.progress, 0);
  for (const body of [{ otp: "x" }, { encoded_token: "eA" }, { encoded_token: "eA", otp: "xx" }, { encoded_token: "=?", otp: "x" }]) assert.equal((await rig.ask("update", "sys/decode-token", body, { token: null })).status, 400);
});

test("what was given so far is gone with the leadership it was given under", async () => {
  const rig = await threeOfFive();
  const { body: { nonce } } = await rig.ask("update", "sys/generate-root/attempt", {}, { token: null });
  await give(rig, "sys/generate-root/update", nonce, [rig.shares[0]!]);
  const { body: rekey } = await rig.ask("update", "sys/rekey/init", { secret_shares: 1, secret_threshold: 1 }, { token: null });
  rig.node.term = 3;
  assert.equal((await rig.ask("read", "sys/generate-root/attempt", undefined, { token: null })).body.started, false);
  assert.equal((await give(rig, "sys/rekey/update", rekey.nonce, [rig.shares[0]!])).status, 400);
});

/** Whether these shares would unseal. */
async function unseals(rig: Rig, shares: readonly Uint8Array[]): Promise<boolean> {
  const raw = { getRaw: (key: string) => rig.store.evaluate((tx) => tx.getRaw(key)).value };
  const session = unsealSession(readSealConfig(raw)!, () => "n", () => raw);
  try {
    let opened;
    for (const share of shares) opened = await session.add(share);
    return opened !== undefined;
  } catch {
    return false;
  }
}

const fromHex = (keys: readonly string[]) => keys.map((key) => Buffer.from(key, "hex"));

test("rekeying makes other shares, with other numbers; the old ones and the old root key are worth nothing", async () => {
  const rig = await threeOfFive();
  await rig.ask("update", "kv/a", { v: "1" });
  const oldRoot = Buffer.from(rig.barrier.rootKey());
  const { body: begun } = await rig.ask("update", "sys/rekey/init", { secret_shares: 4, secret_threshold: 2 }, { token: null });
  assert.deepEqual(begun, { nonce: begun.nonce, started: true, t: 2, n: 4, progress: 0, required: 3, pgp_fingerprints: null, backup: false, verification_required: false });
  const { body: half } = await give(rig, "sys/rekey/update", begun.nonce, rig.shares.slice(0, 2));
  assert.equal(half.progress, 2);
  const { body: done } = await give(rig, "sys/rekey/update", begun.nonce, [rig.shares[2]!]);
  assert.deepEqual([done.complete, done.keys.length, done.nonce, done.keys_base64[0]], [true, 4, begun.nonce, base64(Buffer.from(done.keys[0], "hex"))]);
  assert.equal(await unseals(rig, rig.shares.slice(0, 3)), false);
  assert.equal(await unseals(rig, fromHex(done.keys.slice(1, 3))), true);
  assert.notDeepEqual(Buffer.from(rig.barrier.rootKey()), oldRoot);
  assert.deepEqual((await rig.ask("read", "kv/a")).body.data, { v: "1" }, "it runs on");
  assert.equal((await rig.ask("read", "sys/rekey/init", undefined, { token: null })).body.started, false);
});

test("with verification the new shares come into force once they were given back", async () => {
  const rig = await threeOfFive();
  const { body: begun } = await rig.ask("update", "sys/rekey/init", { secret_shares: 3, secret_threshold: 2, require_verification: true }, { token: null });
  const { body: made } = await give(rig, "sys/rekey/update", begun.nonce, rig.shares.slice(0, 3));
  assert.ok(made.verification_required && made.verification_nonce !== "");
  assert.equal(await unseals(rig, rig.shares.slice(0, 3)), true, "not before");
  assert.match((await give(rig, "sys/rekey/update", begun.nonce, [rig.shares[0]!])).body.errors[0], /verification must be performed/);
  const shares = fromHex(made.keys);
  const { body: half } = await give(rig, "sys/rekey/verify", made.verification_nonce, [shares[0]!]);
  assert.deepEqual(half, { nonce: made.verification_nonce, started: true, t: 2, n: 3, progress: 1 });
  const { body: anew } = await rig.ask("delete", "sys/rekey/verify", undefined, { token: null });
  assert.ok(anew.progress === 0 && anew.nonce !== made.verification_nonce);
  const wrong = await give(rig, "sys/rekey/verify", anew.nonce, [shares[0]!, altered(shares[1]!)]);
  assert.deepEqual(wrong.body.errors, ["rekey verification failed; incorrect key shares supplied"]);
  const { body: again } = await rig.ask("read", "sys/rekey/verify", undefined, { token: null });
  const { body: done } = await give(rig, "sys/rekey/verify", again.nonce, shares.slice(1));
  assert.deepEqual(done, { nonce: again.nonce, complete: true });
  assert.deepEqual([await unseals(rig, rig.shares.slice(0, 3)), await unseals(rig, shares.slice(0, 2))], [false, true]);
});

test("cancelled before its verification, a rekey has changed nothing", async () => {
  const rig = await createRig();
  const { body: begun } = await rig.ask("update", "sys/rekey/init", { secret_shares: 1, secret_threshold: 1, require_verification: true }, { token: null });
  const { body: made } = await give(rig, "sys/rekey/update", begun.nonce, rig.shares);
  assert.equal((await rig.ask("delete", "sys/rekey/init", undefined, { token: null })).status, 204);
  assert.equal((await give(rig, "sys/rekey/verify", made.verification_nonce, fromHex(made.keys))).status, 400);
  assert.equal(await unseals(rig, rig.shares), true);
});

test("shares for PGP keys are told encrypted, and can be kept, shown and deleted", async () => {
  const rig = await createRig();
  const holders = [await pgpKey(), await pgpKey()];
  const { body: begun } = await rig.ask("update", "sys/rekey/init", { secret_shares: 2, secret_threshold: 2, pgp_keys: holders.map(({ publicKey }) => publicKey), backup: true }, { token: null });
  assert.deepEqual([begun.pgp_fingerprints, begun.backup], [holders.map(({ fingerprint }) => fingerprint), true]);
  const { body: done } = await give(rig, "sys/rekey/update", begun.nonce, rig.shares);
  const shares = await Promise.all(holders.map((holder, at) => holder.open(Buffer.from(done.keys[at], "hex"))));
  assert.equal(await unseals(rig, fromHex(shares)), true);
  const { body: kept } = await rig.ask("read", "sys/rekey/backup");
  assert.deepEqual([kept.nonce, kept.data.keys[holders[0]!.fingerprint], kept.keys_base64[holders[1]!.fingerprint]], [begun.nonce, [done.keys[0]], [done.keys_base64[1]]]);
  assert.equal((await rig.ask("read", "sys/rekey/backup", undefined, { token: null })).status, 403);
  assert.equal((await rig.ask("delete", "sys/rekey/backup")).status, 204);
  assert.deepEqual((await rig.ask("read", "sys/rekey/backup")).body.errors, ["no backed-up keys found"]);
});

test("bad input to rekey is refused and changes nothing", async () => {
  const rig = await threeOfFive();
  const start = async (body: object) => (await rig.ask("update", "sys/rekey/init", body, { token: null })).body.errors?.[0];
  assert.equal(await start({}), "invalid rekey seal configuration: shares must be at least one");
  assert.equal(await start({ secret_shares: 3, secret_threshold: 1 }), "invalid rekey seal configuration: threshold must be greater than one for multiple shares");
  assert.equal(await start({ secret_shares: 3, secret_threshold: 4 }), "invalid rekey seal configuration: threshold cannot be larger than shares");
  assert.equal(await start({ secret_shares: 300, secret_threshold: 4 }), "invalid rekey seal configuration: shares must be less than 256");
  assert.match(await start({ secret_shares: 3, secret_threshold: 2, backup: true }), /without providing PGP keys/);
  assert.equal(await start({ secret_shares: 3, secret_threshold: 2, pgp_keys: ["AAAA"] }), "incorrect number of PGP keys for rekey");
  assert.match(await start({ secret_shares: 1, secret_threshold: 1, pgp_keys: ["AAAA"] }), /error parsing given PGP key/);
  assert.equal((await rig.ask("update", "sys/rekey-recovery-key/init", { secret_shares: 1, secret_threshold: 1 }, { token: null })).body.errors[0], "recovery rekeying not supported");
  assert.equal((await rig.ask("read", "sys/rekey/verify", undefined, { token: null })).body.errors[0], "no rekey configuration found");
  assert.match((await give(rig, "sys/rekey/update", "n", [rig.shares[0]!])).body.errors[0], /no barrier rekey in progress/);
  assert.equal((await rig.ask("update", "sys/rotate/root")).status, 400);
  assert.equal(await unseals(rig, rig.shares.slice(0, 3)), true);
});

test("the same last share twice at once makes one set of shares", async () => {
  const rig = await createRig();
  const { body: { nonce } } = await rig.ask("update", "sys/rekey/init", { secret_shares: 1, secret_threshold: 1 }, { token: null });
  const answers = await Promise.all([1, 2].map(() => rig.ask("update", "sys/rekey/update", { key: hex(rig.shares[0]!), nonce }, { token: null })));
  const made = answers.filter(({ status }) => status === 200);
  assert.equal(made.length, 1);
  assert.equal(await unseals(rig, fromHex(made[0]!.body.keys)), true);
});

test("the newer paths do the same in envelopes, for those with a token", async () => {
  const rig = await createRig();
  assert.equal((await rig.ask("read", "sys/rotate/root/init", undefined, { token: null })).status, 403);
  const { body: begun } = await rig.ask("update", "sys/rotate/root/init", { secret_shares: 2, secret_threshold: 2, require_verification: true });
  const { body: made } = await rig.ask("update", "sys/rotate/root/update", { key: hex(rig.shares[0]!), nonce: begun.data.nonce });
  const shares = fromHex(made.data.keys);
  for (const share of shares) await rig.ask("update", "sys/rotate/root/verify", { key: hex(share), nonce: made.data.verification_nonce });
  assert.equal(await unseals(rig, shares), true);
});

test("automatic rotation has settings within bounds", async () => {
  const rig = await createRig();
  for (const path of ["sys/rotate/config", "sys/rotate/keyring/config"]) {
    assert.deepEqual((await rig.ask("read", path)).body.data, { enabled: true, max_operations: 3_865_470_566, interval: 0 });
  }
  assert.equal((await rig.ask("update", "sys/rotate/config", { interval: "1h" })).body.errors[0], "interval must be greater or equal to 24h0m0s");
  for (const max_operations of [999_999, 3_865_470_567]) assert.equal((await rig.ask("update", "sys/rotate/config", { max_operations })).body.errors[0], "max_operations must be in the range [1000000,3865470566]");
  assert.equal((await rig.ask("update", "sys/rotate/config", { interval: "48h", max_operations: 2_000_000 })).status, 204);
  assert.equal((await rig.ask("update", "sys/rotate/config", { enabled: false })).status, 204);
  assert.deepEqual((await rig.ask("read", "sys/rotate/config")).body.data, { enabled: false, max_operations: 2_000_000, interval: "48h0m0s" });
});


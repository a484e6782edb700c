// `npm run bench -- engines`: engines on one node over HTTP, each beside a bare loop over node:crypto that does the least of the
// same on one thread, without a network, a policy or a store.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { certifyLoop, decryptLoop, encryptLoop, hmacLoop, issueLoop, signLoop, verifyLoop } from "./crypto-loops.mjs";
import { load } from "./load.mjs";

/** Of a yardstick, which is steady at once. */
const LOOP_SECONDS = 2;

/** As ssh-keygen writes it (RFC 8709). */
function sshPublicKey() {
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const field = (bytes) => Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from("ssh-ed25519")), field(Buffer.from(x, "base64url"))]).toString("base64")}`;
}

/** Each part measures and records; they do not need each other. */
export function parts({ cluster, recorder: { record, noise }, seconds, connections }) {
  const plaintext = randomBytes(64).toString("base64");
  const secret = { username: "app", password: "correct horse battery staple", host: "db.internal" };

  async function figure(name, { path, body, method = "POST", idReplacement }, { name: loopName, loop }) {
    const { active } = await cluster.roles();
    const headers = { "X-Vault-Token": cluster.token, "Content-Type": "application/json" };
    const before = loop(LOOP_SECONDS);
    const { rate, p99 } = await load({ url: `${active.address}/v1/${path}`, method, headers, body: body && JSON.stringify(body), seconds, connections, idReplacement });
    const yardstick = { name: loopName, values: [before, loop(LOOP_SECONDS)] };
    record(name, rate, "/s", { yardstick });
    record(`p99 of it, ${connections} at a time`, p99, "ms");
    noise(yardstick);
  }

  const write = async (path, body = {}) => {
    const { status, body: answer } = await cluster.api("POST", path, body);
    if (status >= 300) throw new Error(`${path}: status ${status} ${JSON.stringify(answer)}`);
    return answer?.data;
  };

  const encrypting = { name: "AES-256-GCM and base64", loop: encryptLoop(plaintext) };
  const decrypting = { name: "AES-256-GCM and base64", loop: decryptLoop(plaintext) };
  return {
    async transit() {
      await write("sys/mounts/transit", { type: "transit" });
      await write("transit/keys/aes");
      await write("transit/keys/ec", { type: "ecdsa-p256" });
      const { ciphertext } = await write("transit/encrypt/aes", { plaintext });
      const { signature } = await write("transit/sign/ec", { input: plaintext });
      await figure("transit: 64 bytes encrypted", { path: "transit/encrypt/aes", body: { plaintext } }, encrypting);
      await figure("transit: 64 bytes decrypted", { path: "transit/decrypt/aes", body: { ciphertext } }, decrypting);
      await figure("transit: ECDSA P-256 signatures", { path: "transit/sign/ec", body: { input: plaintext } }, { name: "ECDSA P-256 signing", loop: signLoop(plaintext) });
      await figure("transit: ECDSA P-256 verifications", { path: "transit/verify/ec", body: { input: plaintext, signature } }, { name: "ECDSA P-256 verifying", loop: verifyLoop(plaintext) });
    },
    async pki() {
      await write("sys/mounts/pki", { type: "pki" });
      await write("pki/root/generate/internal", { common_name: "bench", key_type: "ec", key_bits: 256, ttl: "8760h" });
      await write("pki/roles/web", { allow_any_name: true, key_type: "ec", key_bits: 256, no_store: true, max_ttl: "72h" });
      const issue = { path: "pki/issue/web", body: { common_name: "web.example.com", ttl: "1h" } };
      await figure("pki: P-256 certificates, no_store", issue, { name: "P-256 key pair and signature", loop: issueLoop() });
    },
    async ssh() {
      await write("sys/mounts/ssh", { type: "ssh" });
      await write("ssh/config/ca", { key_type: "ed25519" });
      await write("ssh/roles/user", { key_type: "ca", allow_user_certificates: true, allowed_users: "*", ttl: "1h" });
      const request = { path: "ssh/sign/user", body: { public_key: sshPublicKey(), valid_principals: "ubuntu" } };
      await figure("ssh: Ed25519 certificates", request, { name: "Ed25519 signing", loop: certifyLoop() });
    },
    async totp() {
      await write("sys/mounts/totp", { type: "totp" });
      await write("totp/keys/app", { generate: true, issuer: "bench", account_name: "app", exported: false });
      await figure("totp: codes", { path: "totp/code/app", method: "GET" }, { name: "HMAC-SHA-1", loop: hmacLoop() });
    },
    async kv() {
      await write("secret/data/bench", { data: secret });
      await figure("kv: reads", { path: "secret/data/bench", method: "GET" }, decrypting);
      await figure("kv: writes, one node, fsync", { path: "secret/data/bench-[<id>]", body: { data: secret }, idReplacement: true }, encrypting);
    },
  };
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test from "node:test";
import type { TestContext } from "node:test";
import { generateKey, readKey } from "openpgp";
import { main } from "./main.js";

const folder = mkdtempSync(join(tmpdir(), "coffer-break-glass-"));
test.after(() => rmSync(folder, { recursive: true }));

/** A server that answers as it is told, and what it was asked. */
async function setUp(t: TestContext, answers: Readonly<Record<string, unknown>>) {
  const asked: { readonly call: string; readonly body: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      const call = `${request.method} ${request.url!.slice("/v1/sys/".length)}`;
      asked.push({ call, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) });
      const answer = answers[call];
      response.writeHead(answer === undefined ? 404 : answer === null ? 204 : 200, { "content-type": "application/json" });
      response.end(answer === null ? "" : JSON.stringify(answer ?? { errors: [] }));
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const run = async (words: readonly string[], stdin = "") => {
    let [stdout, stderr] = ["", ""];
    const exitCode = await main(words, {
      stdout: { write: (text) => (stdout += String(text)) },
      stderr: { write: (text) => (stderr += String(text)) },
      stdin: Readable.from([stdin]),
      env: { HOME: folder, VAULT_ADDR: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    });
    return { stdout, stderr, exitCode };
  };
  return { run, asked };
}

const attempt = (more: object = {}) => ({ nonce: "n-1", started: true, progress: 0, required: 3, complete: false, encoded_token: "", encoded_root_token: "", pgp_fingerprint: "", otp: "", otp_length: 28, ...more });

test("generate-root begins, takes shares from standard input, prints the encoded token, and decodes it", async (t) => {
  const { run, asked } = await setUp(t, {
    "PUT generate-root/attempt": attempt({ otp: "p".repeat(28) }),
    "GET generate-root/attempt": attempt({ progress: 2 }),
    "PUT generate-root/update": attempt({ progress: 3, complete: true, encoded_token: "PToa" }),
    "DELETE generate-root/attempt": null,
  });
  const begun = await run(["operator", "generate-root", "-init"]);
  assert.equal(begun.stdout, `Nonce         n-1\nStarted       true\nProgress      0/3\nComplete      false\nOTP           ${"p".repeat(28)}\nOTP Length    28\n`);
  assert.match(begun.stderr, /One-Time-Password has been generated/);
  const given = await run(["operator", "generate-root", "-nonce=n-1", "-"], " share \n");
  assert.deepEqual(asked.at(-1), { call: "PUT generate-root/update", body: { key: "share", nonce: "n-1" } });
  assert.match(given.stdout, /Encoded Token {4}PToa\n/);
  const typed = await run(["operator", "generate-root"], "typed\n");
  assert.deepEqual(asked.at(-1)!.body, { key: "typed", nonce: "n-1" });
  assert.ok(typed.stderr.startsWith("Operation nonce: n-1\nUnseal Key (will be hidden): ") && !(typed.stderr + typed.stdout).includes("typed"));
  const token = "hvs.abc";
  const otp = "1234567";
  const encoded = Buffer.from([...token].map((letter, at) => letter.charCodeAt(0) ^ otp.charCodeAt(at))).toString("base64").replace(/=+$/, "");
  assert.equal((await run(["operator", "generate-root", `-decode=${encoded}`, `-otp=${otp}`])).stdout, `${token}\n`);
  assert.equal((await run(["operator", "generate-root", "-decode=-", `-otp=${otp}`], `${encoded}\n`)).stdout, `${token}\n`);
  assert.match((await run(["operator", "generate-root", "-generate-otp"])).stdout, /^[A-Za-z0-9]{28}\n$/);
  assert.equal((await run(["operator", "generate-root", "-cancel"])).stdout, "Success! Root token generation canceled (if it was started)\n");
});

test("generate-root speaks to a server in recovery mode under its own paths", async (t) => {
  const { run, asked } = await setUp(t, { "GET generate-recovery-token/attempt": attempt({ started: false, nonce: "" }), "PUT generate-recovery-token/attempt": attempt(), "DELETE generate-recovery-token/attempt": null });
  assert.match((await run(["operator", "generate-root", "-recovery-token", "-generate-otp"])).stdout, /^[A-Za-z0-9]{28}\n$/);
  assert.match((await run(["operator", "generate-root", "-recovery-token", "-init", `-otp=${"p".repeat(28)}`])).stdout, /^Nonce +n-1\n/);
  const { stderr } = await run(["operator", "generate-root", "-recovery-token", "share"]);
  assert.match(stderr.replace(/\s+/g, " "), /No recovery generation is in progress.*-init -recovery-token/);
  assert.equal((await run(["operator", "generate-root", "-recovery-token", "-cancel"])).stdout, "Success! Recovery token generation canceled (if it was started)\n");
  assert.equal((await run(["operator", "generate-root", "-recovery-token", "-dr-token"])).exitCode, 1);
  assert.ok(asked.every(({ call }) => call.includes("generate-recovery-token/")));
});

test("generate-root says what is missing", async (t) => {
  const { run, asked } = await setUp(t, { "GET generate-root/attempt": attempt({ started: false, nonce: "" }) });
  assert.match((await run(["operator", "generate-root", "key"])).stderr, /No root generation is in progress/);
  for (const [words, problem] of [
    [["-init", "-otp=x", "-pgp-key=y"], /cannot specify both/],
    [["-decode=abc"], /Missing otp/],
    [["-decode=abcd", "-otp=x"], /3 != 1/],
    [["-init", "-pgp-key=/nowhere"], /error reading file: ENOENT/],
    [["-init", "-pgp-key=keybase:x"], /not fetched from Keybase/],
  ] as const) {
    const { stderr, exitCode } = await run(["operator", "generate-root", ...words]);
    assert.equal(exitCode, 1);
    assert.match(stderr, problem);
  }
  assert.ok(asked.every(({ call }) => call.startsWith("GET")));
  const { run: other } = await setUp(t, { "GET generate-root/attempt": attempt() });
  assert.match((await other(["operator", "generate-root", "key"])).stderr, /Missing nonce value/);
});

test("PGP keys are read armored, binary and in base64, and sent in base64", async (t) => {
  const { publicKey } = await generateKey({ userIDs: [{ name: "a" }], format: "armored" });
  const binary = Buffer.from((await readKey({ armoredKey: publicKey })).write());
  const files = { "a.asc": publicKey, "a.bin": binary, "a.b64": binary.toString("base64") };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const { run, asked } = await setUp(t, { "PUT rekey/init": { nonce: "n", started: true, t: 2, n: 3, progress: 0, required: 1, pgp_fingerprints: ["ab", "ab", "ab"], backup: true, verification_required: false } });
  const { stdout } = await run(["operator", "rekey", "-init", "-key-shares=3", "-key-threshold=2", "-backup", `-pgp-keys=${Object.keys(files).map((name) => join(folder, name)).join(",")}`]);
  assert.deepEqual(asked[0]!.body, { secret_shares: 3, secret_threshold: 2, pgp_keys: Array(3).fill(binary.toString("base64")), backup: true, require_verification: false });
  assert.match(stdout, /PGP Fingerprints +\[ab ab ab\]\nBackup +true\n/);
});

test("rekey prints the new shares, and goes on to their verification", async (t) => {
  const status = { nonce: "n", started: true, t: 2, n: 2, progress: 0, required: 1, pgp_fingerprints: null, backup: false, verification_required: true };
  const { run, asked } = await setUp(t, {
    "GET rekey/init": status,
    "PUT rekey/update": { nonce: "n", complete: true, keys: ["aa", "bb"], keys_base64: ["qg==", "uw=="], pgp_fingerprints: null, backup: false, verification_required: true, verification_nonce: "v" },
    "GET rekey/verify": { nonce: "v", started: true, t: 2, n: 2, progress: 0 },
    "PUT rekey/verify": { nonce: "v", complete: true },
    "DELETE rekey/verify": { nonce: "w", started: true, t: 2, n: 2, progress: 0 },
    "GET rekey-recovery-key/init": { ...status, started: false },
  });
  const made = await run(["operator", "rekey", "-nonce=n", "share"]);
  assert.match(made.stdout, /^\nKey 1: qg==\nKey 2: uw==\n\nOperation nonce: n\n\nVault has created a new unseal key, split into 2 key shares/);
  assert.match(made.stdout, /Verification Nonce +v\nVerification Progress +0\/2\n$/);
  assert.match((await run(["operator", "rekey", "-verify", "-nonce=v", "qg=="])).stdout, /new\s+keys are now active/);
  assert.equal((await run(["operator", "rekey", "-verify", "-cancel"])).exitCode, 0);
  assert.equal(asked.at(-1)!.call, "DELETE rekey/verify");
  assert.match((await run(["operator", "rekey", "-target=recovery", "x"])).stderr, /No rekey is in progress/);
  assert.match((await run(["operator", "rekey", "-target=moon", "-status"])).stderr, /Unknown target: moon/);
  assert.equal((await run(["operator", "rekey", "-status", "-format=json"])).stdout.replace(/\s/g, ""), '{"nonce":"n","started":true,"t":2,"n":2,"progress":0,"required":1,"pgp_fingerprints":null,"backup":false,"verification_required":true}');
});

test("init sends PGP keys and recovery numbers by the kind of seal", async (t) => {
  writeFileSync(join(folder, "k.b64"), "AAAA");
  const { run, asked } = await setUp(t, { "GET seal-status": { recovery_seal: true }, "PUT init": { keys: [], keys_base64: [], recovery_keys: ["aa"], recovery_keys_base64: ["qg=="], root_token: "t" } });
  const { stdout } = await run(["operator", "init", "-recovery-shares=1", "-recovery-threshold=1", `-recovery-pgp-keys=${join(folder, "k.b64")}`, `-root-token-pgp-key=${join(folder, "k.b64")}`]);
  assert.deepEqual(asked.at(-1)!.body, { secret_shares: 0, secret_threshold: 0, root_token_pgp_key: "AAAA", recovery_pgp_keys: ["AAAA"], recovery_shares: 1, recovery_threshold: 1 });
  assert.match(stdout, /^Recovery Key 1: qg==\n\nInitial Root Token: t\n/);
});

test("a share to unseal with is read from standard input too", async (t) => {
  const sealed = { type: "shamir", initialized: true, sealed: true, t: 2, n: 3, progress: 1, nonce: "n", recovery_seal: false };
  const { run, asked } = await setUp(t, { "PUT unseal": sealed, "GET leader": { ha_enabled: false } });
  const given = await run(["operator", "unseal", "-migrate", "-"], " share \n");
  assert.deepEqual([given.exitCode, asked[0]!.body], [0, { key: "share", migrate: true }]);
  assert.equal((await run(["operator", "unseal", "-non-interactive", "-"], "share")).exitCode, 1);
});

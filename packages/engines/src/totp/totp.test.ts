import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret, URI } from "otpauth";
import type { TOTP } from "otpauth";
import { createHarness } from "../testing/harness.js";

async function service() {
  const harness = await createHarness();
  await harness.mount("totp", "totp");
  return harness;
}

const GENERATE = { generate: true, issuer: "Coffer", account_name: "ada@example.com" };
/** RFC 6238, appendix B: the ASCII "12345678901234567890", as long as each hash function wants it. */
const RFC_SEED = "12345678901234567890";
const rfcKey = (bytes: number) => Secret.fromUTF8(RFC_SEED.repeat(4).slice(0, bytes)).base32;
/** From seconds since 1970 to the code. */
const RFC_VECTORS = [
  { algorithm: "SHA1", bytes: 20, at: 2_000_000_000, code: "69279037" },
  { algorithm: "SHA256", bytes: 32, at: 2_000_000_000, code: "90698825" },
  { algorithm: "SHA512", bytes: 64, at: 2_000_000_000, code: "38618901" },
  { algorithm: "SHA1", bytes: 20, at: 20_000_000_000, code: "65353130" },
  { algorithm: "SHA256", bytes: 32, at: 20_000_000_000, code: "77737706" },
  { algorithm: "SHA512", bytes: 64, at: 20_000_000_000, code: "47863826" },
];
const NOW_S = 1_767_225_600;

for (const { algorithm, bytes, at, code } of RFC_VECTORS) {
  test(`codes of ${algorithm} at ${at} are those of RFC 6238`, async () => {
    const { request, clock } = await service();
    assert.equal((await request("POST", "totp/keys/rfc", { key: rfcKey(bytes), algorithm, digits: 8 })).status, 204);
    clock.advance(at - NOW_S);
    const { body } = await request("GET", "totp/code/rfc");
    assert.deepEqual(body["data"], { code, generated: at, expire_time: at - (at % 30) + 30, period: "30s" });
  });
}

test("a generated key is shown once, as a URL and a PNG that has it", async () => {
  const { request } = await service();
  const { status, body } = await request("POST", "totp/keys/ada@example.com", GENERATE);
  assert.equal(status, 200);
  const { url, barcode } = body["data"] as { url: string; barcode: string };
  const parsed = URI.parse(url) as TOTP;
  assert.deepEqual([parsed.issuer, parsed.label, parsed.digits, parsed.period, parsed.algorithm, parsed.secret.bytes.length], ["Coffer", "ada@example.com", 6, 30, "SHA1", 20]);
  const png = Buffer.from(barcode, "base64");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [200, 200]);
  assert.deepEqual((await request("GET", "totp/keys/ada@example.com")).body["data"], { issuer: "Coffer", account_name: "ada@example.com", period: 30, algorithm: "SHA1", digits: 6 });
  assert.deepEqual((await request("LIST", "totp/keys")).body["data"], { keys: ["ada@example.com"] });
});

test("what is shown of a generated key can be less", async () => {
  const { request } = await service();
  assert.deepEqual(Object.keys((await request("POST", "totp/keys/a", { ...GENERATE, qr_size: 0 })).body["data"] as object), ["url"]);
  assert.equal((await request("POST", "totp/keys/b", { ...GENERATE, exported: false })).status, 204);
  assert.equal((await request("GET", "totp/code/b")).status, 200);
});

test("a code is valid once, and so is each of its neighbours within the skew", async () => {
  const { request, clock } = await service();
  const { url } = (await request("POST", "totp/keys/a", GENERATE)).body["data"] as { url: string };
  const totp = URI.parse(url) as TOTP;
  const validate = async (offset: number) => {
    const { status, body } = await request("POST", "totp/code/a", { code: totp.generate({ timestamp: clock.now() + offset * 30_000 }) });
    return status === 200 ? (body["data"].valid as boolean) : body.errors;
  };
  assert.deepEqual([await validate(0), await validate(-1), await validate(1)], [true, true, true]);
  assert.deepEqual([await validate(2), await validate(-2)], [false, false]);
  const used = ["code already used; wait until the next time period"];
  assert.deepEqual([await validate(0), await validate(-1), await validate(1)], [used, used, used]);
  clock.advance(30);
  assert.deepEqual([await validate(-1), await validate(0), await validate(1)], [used, used, true]);
});

test("a wrong code writes nothing", async () => {
  const { request, store } = await service();
  await request("POST", "totp/keys/a", { key: rfcKey(20) });
  const right = (await request("GET", "totp/code/a")).body["data"].code as string;
  const before = store.index();
  assert.deepEqual((await request("POST", "totp/code/a", { code: right === "000000" ? "000001" : "000000" })).body["data"], { valid: false });
  assert.deepEqual((await request("POST", "totp/code/a", { code: "abcdef" })).body["data"], { valid: false });
  assert.equal(store.index(), before);
});

test("of two who use the same code at once, one is right", async () => {
  const { request } = await service();
  await request("POST", "totp/keys/a", { key: rfcKey(20) });
  const { code } = (await request("GET", "totp/code/a")).body["data"] as { code: string };
  const answers = await Promise.all([1, 2, 3].map(() => request("POST", "totp/code/a", { code })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400]);
});

test("without skew only the code of now is valid", async () => {
  const { request, clock } = await service();
  await request("POST", "totp/keys/a", { ...GENERATE, skew: 0 });
  const { code } = (await request("GET", "totp/code/a")).body["data"] as { code: string };
  clock.advance(30);
  assert.deepEqual((await request("POST", "totp/code/a", { code })).body["data"], { valid: false });
});

test("a key comes from a URL with all its settings", async () => {
  const { request } = await service();
  const url = `otpauth://totp/Acme%20Co:ada%40example.com?secret=${rfcKey(20)}&issuer=Acme%20Co&algorithm=SHA256&digits=8&period=60`;
  assert.equal((await request("POST", "totp/keys/a", { url })).status, 204);
  assert.deepEqual((await request("GET", "totp/keys/a")).body["data"], { issuer: "Acme Co", account_name: "ada@example.com", period: 60, algorithm: "SHA256", digits: 8 });
  assert.match((await request("GET", "totp/code/a")).body["data"].code as string, /^\d{8}$/);
  await request("POST", "totp/keys/b", { url: `otpauth://totp/Acme:ada?secret=${rfcKey(20)}` });
  assert.deepEqual((await request("GET", "totp/keys/b")).body["data"], { issuer: "Acme", account_name: "ada", period: 30, algorithm: "SHA1", digits: 6 });
});

test("a key that is deleted is gone with its used codes; lists come in pages", async () => {
  const { request, store } = await service();
  for (const name of ["a", "b", "c"]) await request("POST", `totp/keys/${name}`, { key: rfcKey(20) });
  const { code } = (await request("GET", "totp/code/b")).body["data"] as { code: string };
  await request("POST", "totp/code/b", { code });
  assert.deepEqual((await request("LIST", "totp/keys", undefined, { query: { after: "a", limit: "1" } })).body["data"], { keys: ["b"] });
  assert.equal((await request("DELETE", "totp/keys/b")).status, 204);
  assert.equal((await request("GET", "totp/keys/b")).status, 404);
  const left = (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.endsWith("/b"));
  assert.deepEqual(left, []);
});

const BAD_KEYS: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["no key", {}, /the key value is required/],
  ["a key that is not base32", { key: "01890189" }, /invalid key value/],
  ["a key that is only padding", { key: "====" }, /invalid key value/],
  ["a key without end", { key: "A".repeat(2000) }, /more than 512 bytes/],
  ["a key beside generate", { ...GENERATE, key: rfcKey(20) }, /a key should not be passed/],
  ["a URL beside generate", { ...GENERATE, url: "otpauth://totp/a" }, /a url should not be passed/],
  ["no issuer", { generate: true, account_name: "a" }, /issuer value is required/],
  ["no account", { generate: true, issuer: "a" }, /account_name value is required/],
  ["7 digits", { ...GENERATE, digits: 7 }, /digits value can only be 6 or 8/],
  ["MD5", { ...GENERATE, algorithm: "MD5" }, /algorithm value is not valid/],
  ["the name of a member of every object", { ...GENERATE, algorithm: "constructor" }, /algorithm value is not valid/],
  ["no period", { ...GENERATE, period: 0 }, /period value must be greater than zero/],
  ["a period before its beginning", { ...GENERATE, period: "-1s" }, /negative/],
  ["a period that is none", { ...GENERATE, period: "soon" }, /invalid duration/],
  ["two periods of skew", { ...GENERATE, skew: 2 }, /skew value must be 0 or 1/],
  ["a negative image", { ...GENERATE, qr_size: -1 }, /qr_size value must be greater than or equal to zero/],
  ["an image too small for its code", { ...GENERATE, qr_size: 10 }, /qr_size value must be 0, or at least/],
  ["an image for a wall", { ...GENERATE, qr_size: 1e6 }, /at most 2000/],
  ["no key bytes", { ...GENERATE, key_size: 0 }, /key_size value must be greater than zero/],
  ["too many key bytes", { ...GENERATE, key_size: 1e6 }, /key_size value must be at most/],
  ["an issuer that fits no image", { ...GENERATE, issuer: "x".repeat(4000) }, /too long for a QR code/],
  ["what is no URL", { url: "::" }, /parsing url string/],
  ["a URL of broken encoding", { url: "otpauth://totp/%E0%A4%A?secret=AAAA" }, /parsing url string/],
  ["a URL without a key", { url: "otpauth://totp/a" }, /the key value is required/],
  ["a URL with a period that is none", { url: `otpauth://totp/a?secret=${rfcKey(20)}&period=x` }, /parsing period value in url/],
  ["a URL with digits that are none", { url: `otpauth://totp/a?secret=${rfcKey(20)}&digits=x` }, /parsing digits value in url/],
  ["a list for a key", { key: ["a"] }, /expected/],
];

for (const [what, body, error] of BAD_KEYS) {
  test(`refused as a key: ${what}`, async () => {
    const { request, store } = await service();
    const before = store.index();
    const answer = await request("POST", "totp/keys/bad", body);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.body.errors!.join(), error);
    assert.equal(store.index(), before);
  });
}

test("refused as a code: none, of another length, with space, of no key, of a bad name", async () => {
  const { request } = await service();
  await request("POST", "totp/keys/a", { key: rfcKey(20) });
  for (const [path, body, error] of [
    ["a", {}, "the code value is required"],
    ["a", { code: "12345" }, "invalid number of digits for the code"],
    ["a", { code: " 12345" }, "invalid number of digits for the code"],
    ["none", { code: "123456" }, "unknown key: none"],
  ] as const) {
    const answer = await request("POST", `totp/code/${path}`, body);
    assert.deepEqual([answer.status, answer.body.errors], [400, [error]]);
  }
  assert.deepEqual((await request("GET", "totp/code/none")).body.errors, ["unknown key: none"]);
  assert.equal((await request("POST", "totp/keys/-a", { key: rfcKey(20) })).status, 400);
});

test("policies tell who generates, who reads codes, and who validates them", async () => {
  const { request, tokenWith } = await service();
  const token = await tokenWith('path "totp/code/*" { capabilities = ["read"] }');
  await request("POST", "totp/keys/a", { key: rfcKey(20) });
  assert.equal((await request("GET", "totp/code/a", undefined, { token })).status, 200);
  assert.equal((await request("POST", "totp/code/a", { code: "123456" }, { token })).status, 403);
  assert.equal((await request("POST", "totp/keys/b", GENERATE, { token })).status, 403);
  assert.equal((await request("GET", "totp/keys/a", undefined, { token })).status, 403);
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import type { AutoSealConfiguration } from "../configuration/types.js";
import { memoryLogger } from "../http/testing/echo-application.js";
import { temporaryFolder } from "../server/testing/test-node.js";
import { openSeals } from "./seal-set.js";

const rootKey = new Uint8Array(randomBytes(32));
const open = (seals: readonly AutoSealConfiguration[], environment: Record<string, string> = {}, logger = memoryLogger()) => openSeals({ seals, environment, logger, now: () => 5 });
const settings = (type: AutoSealConfiguration["type"], options: Record<string, string>, more: Partial<AutoSealConfiguration> = {}): AutoSealConfiguration => ({ type, name: type, priority: 1, disabled: false, options, ...more });
const staticSeal = (id: string, key: string, more: Partial<AutoSealConfiguration> & { readonly previous?: Record<string, string> } = {}) => {
  const { previous = {}, ...rest } = more;
  return settings("static", { current_key_id: id, current_key: key, ...previous }, rest);
};
const hexKey = () => randomBytes(32).toString("hex");

test("a static key comes from the file, a variable or the configuration, in base64, hex or raw", async (t) => {
  const key = randomBytes(32);
  const folder = temporaryFolder(t);
  const file = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(join(folder, name), bytes);
    return `file://${join(folder, name)}`;
  };
  const wraps = await open([staticSeal("1", key.toString("hex"))]).wrap(rootKey);
  assert.equal(JSON.stringify(wraps).includes(Buffer.from(rootKey).toString("base64")), false);
  for (const given of [key.toString("base64"), "env://KEY", file("raw", key), file("text", `${key.toString("base64")}\n`)]) {
    const opened = await open([staticSeal("1", given)], { KEY: key.toString("hex") }).unwrap(wraps);
    assert.deepEqual(Buffer.from(opened), Buffer.from(rootKey));
  }
  for (const [given, problem] of [["short", /not a key of 32 bytes/], ["env://ABSENT", /ABSENT, which is not set/], ["file:///nowhere", /cannot be read: ENOENT/]] as const) assert.throws(() => open([staticSeal("1", given)]), problem);
});

test("a static key is replaced by naming the one before; another key opens nothing", async () => {
  const [first, second] = [hexKey(), hexKey()];
  const wraps = await open([staticSeal("1", first)]).wrap(rootKey);
  const rotated = open([staticSeal("2", second, { previous: { previous_key_id: "1", previous_key: first } })]);
  assert.deepEqual(Buffer.from(await rotated.unwrap(wraps)), Buffer.from(rootKey));
  assert.deepEqual([rotated.isCurrent(wraps), rotated.isCurrent(await rotated.wrap(rootKey))], [false, true]);
  await assert.rejects(open([staticSeal("2", second)]).unwrap(wraps), /neither current_key_id nor previous_key_id/);
  await assert.rejects(open([staticSeal("1", second)]).unwrap(wraps), /another one than the root key was wrapped by/);
});

test("with several seals any of them opens, those out of reach show in their health, and a disabled one only opens", async () => {
  const a = staticSeal("a", hexKey(), { name: "a" });
  const b = staticSeal("b", hexKey(), { name: "b", priority: 2 });
  const logger = memoryLogger();
  const both = open([b, a], {}, logger);
  const wraps = await both.wrap(rootKey);
  assert.deepEqual(wraps.map(({ name }) => name), ["a", "b"]);
  for (const alone of [a, b]) assert.deepEqual(Buffer.from(await open([alone]).unwrap(wraps)), Buffer.from(rootKey));
  const gone = settings("transit", { address: "http://127.0.0.1:1", key_name: "k", mount_path: "transit", disable_renewal: "true" }, { name: "gone", priority: 3 });
  const three = open([a, b, gone], {}, logger);
  assert.equal((await three.wrap(rootKey)).length, 2);
  assert.deepEqual(three.backends(), [{ name: "a", healthy: true }, { name: "b", healthy: true }, { name: "gone", healthy: false, unhealthySince: 5 }]);
  assert.match(logger.lines.join("\n"), /a seal cannot be used.*gone/);
  await assert.rejects(open([gone]).wrap(rootKey), /no seal can wrap the root key: transit at/);
  const moving = open([{ ...a, disabled: true }, b]);
  assert.deepEqual([moving.type, (await moving.wrap(rootKey)).map(({ name }) => name)], ["static", ["b"]]);
  assert.deepEqual(Buffer.from(await open([{ ...a, disabled: true }]).unwrap(wraps.slice(0, 1))), Buffer.from(rootKey));
  assert.equal(open([{ ...a, disabled: true }]).type, "shamir");
  await assert.rejects(open([]).unwrap(wraps), /wrapped by a \(static\), b \(static\), and the configuration has no such seal: put its block back, with disabled = "true" to move to key shares$/);
});

test("transit asks another cluster, as whom it is told, and says what that refuses", async (t) => {
  const asked: string[] = [];
  // Stands in for the two calls of a transit engine.
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${request.headers["x-vault-token"]} ${request.headers["x-vault-namespace"]}`);
      const { plaintext, ciphertext } = JSON.parse(body) as Record<string, string>;
      const isKnown = request.url!.endsWith("/unseal");
      response.writeHead(isKnown ? 200 : 403, { "content-type": "application/json" });
      response.end(JSON.stringify(isKnown ? { data: plaintext ? { ciphertext: `vault:v1:${plaintext}` } : { plaintext: ciphertext!.slice("vault:v1:".length) } } : { errors: ["permission denied"] }));
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { address, token: "t", namespace: "ns", mount_path: "transit/", key_name: "unseal", disable_renewal: "true" };
  const seals = open([settings("transit", options)]);
  t.after(() => seals.close());
  const wraps = await seals.wrap(rootKey);
  assert.deepEqual(Buffer.from(await seals.unwrap(wraps)), Buffer.from(rootKey));
  assert.deepEqual(asked, ["PUT /v1/transit/encrypt/unseal t ns", "PUT /v1/transit/decrypt/unseal t ns"]);
  const other = open([settings("transit", { ...options, key_name: "other" })]);
  t.after(() => other.close());
  await assert.rejects(other.wrap(rootKey), /key transit\/other: 403, permission denied$/);
  await seals.probe();
  assert.equal(seals.backends()[0]!.healthy, true);
});

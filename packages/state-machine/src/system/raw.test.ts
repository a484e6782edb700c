import assert from "node:assert/strict";
import { test } from "node:test";
import { buildInput, compileEngine, openApiDocument } from "../framework/index.js";
import type { Engine, EngineRequest, OperationName, WriteMount } from "../framework/index.js";
import { RequestError } from "../errors.js";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";
import { rawSystemEngine, recoveryEngine, systemEngine } from "./index.js";
import { pack, unpack } from "./stored-compression.js";

const compiled = compileEngine(recoveryEngine as unknown as Engine);

/** An operation of sys/raw in a transaction of its own. */
async function raw({ store }: Rig, operation: OperationName, path: string, values: Record<string, unknown> = {}) {
  const match = compiled.match(path === "" ? "raw" : `raw/${path}`, operation === "list")!;
  const { input, given } = buildInput(match, values, operation === "update");
  const request = { operation, path, input, given, body: values } as unknown as EngineRequest<never>;
  const { value } = await store.transact((tx) => match.declaration.operations[operation]!.handler(request, tx, {} as WriteMount));
  return value?.kind === "envelope" ? (value.data as Record<string, unknown> | null) : undefined;
}

const refuses = (promise: Promise<unknown>, text: RegExp) => assert.rejects(promise, (error: unknown) => error instanceof RequestError && error.status === 400 && text.test(error.message));

test("values are read and written as text, in base64, and compressed as before", async () => {
  const rig = await createRig();
  await raw(rig, "update", "logical/x/a", { value: "plain" });
  assert.deepEqual(await raw(rig, "read", "logical/x/a"), { value: "plain" });
  assert.deepEqual(await raw(rig, "read", "logical/x/a", { encoding: "base64" }), { value: "cGxhaW4=" });
  await raw(rig, "update", "logical/x/b", { value: "AAH/", encoding: "base64", compression_type: "gzip" });
  assert.deepEqual(await raw(rig, "read", "logical/x/b", { encoding: "base64" }), { value: "AAH/" });
  const packed = Buffer.from((await raw(rig, "read", "logical/x/b", { encoding: "base64", compressed: false }))!["value"] as string, "base64");
  assert.deepEqual([packed[0], Buffer.from(unpack(packed))], [0x47, Buffer.from([0, 1, 255])]);
  // Left out: as it was. Empty: not any more.
  await raw(rig, "update", "logical/x/b", { value: "again" });
  assert.match(String((await raw(rig, "read", "logical/x/b", { compressed: false }))!["value"]), /^G/);
  await raw(rig, "update", "logical/x/b", { value: "again", compression_type: "" });
  assert.deepEqual(await raw(rig, "read", "logical/x/b", { compressed: false }), { value: "again" });
  assert.deepEqual(await raw(rig, "list", "logical/x"), { keys: ["a", "b"] });
  assert.deepEqual(await raw(rig, "list", "logical/x/", { after: "a", limit: 1 }), { keys: ["b"] });
  await raw(rig, "delete", "logical/x/a");
  assert.equal(await raw(rig, "read", "logical/x/a"), undefined);
});

test("keys, and what makes no sense, are refused, and nothing changes", async () => {
  const rig = await createRig();
  for (const path of ["core/keyring", "core/root-key", "core/root-key-wraps", "core/root-key-handover", "core/recovery-key", "core/cluster"])
    for (const operation of ["read", "update", "delete"] as const) await refuses(raw(rig, operation, path, { value: "x" }), /^cannot access "core\//);
  assert.match(String((await raw(rig, "read", "core/seal-config"))!["value"]), /"secret_threshold":1/);
  for (const operation of ["update", "delete"] as const) await refuses(raw(rig, operation, "core/seal-config", { value: "{}" }), /cannot change/);
  await raw(rig, "update", "logical/x/a", { value: "plain" });
  await refuses(raw(rig, "update", "logical/x/a", { value: "y", compression_type: "gzip" }), /different compression scheme/);
  await refuses(raw(rig, "update", "logical/x/a", { value: "y", compression_type: "lz4" }), /invalid compression type "lz4"/);
  await refuses(raw(rig, "update", "logical/x/a", { value: "%", encoding: "base64" }), /illegal base64/);
  for (const operation of ["read", "update"] as const) await refuses(raw(rig, operation, "logical/x/a", { encoding: "hex" }), /invalid encoding "hex"/);
  await raw(rig, "update", "logical/x/cut", { value: Buffer.from(pack(Buffer.from("a".repeat(100))).subarray(0, 12)).toString("base64"), encoding: "base64" });
  await refuses(raw(rig, "read", "logical/x/cut"), /cannot be unpacked/);
  assert.deepEqual(await raw(rig, "read", "logical/x/a"), { value: "plain" });
});

test("the path may be a parameter, as in Vault; without any there is nothing to read", async () => {
  const rig = await createRig();
  await raw(rig, "update", "", { path: "logical/x/a", value: "plain" });
  assert.deepEqual(await raw(rig, "read", "", { path: "logical/x/a" }), { value: "plain" });
  assert.deepEqual(await raw(rig, "read", "logical/x/a", { path: "core/keyring" }), { value: "plain" });
  await raw(rig, "delete", "", { path: "logical/x/a" });
  assert.equal(await raw(rig, "read", "logical/x/a"), undefined);
  assert.equal(await raw(rig, "read", ""), undefined);
  for (const operation of ["read", "update", "delete"] as const) await refuses(raw(rig, operation, "", { path: "core/keyring", value: "x" }), /^cannot access/);
  for (const operation of ["update", "delete"] as const) await refuses(raw(rig, operation, "", { value: "x" }), /a path is needed/);
});

test("the description of a server has sys/raw where an operator opened it, and only there", () => {
  const described = (engine: Engine) => Object.keys(openApiDocument([{ mount: "sys/", engine }], "1.0.0")["paths"] as object).filter((path) => path.startsWith("/sys/raw"));
  assert.deepEqual(described(rawSystemEngine as unknown as Engine).sort(), ["/sys/raw", "/sys/raw/{path}"]);
  assert.deepEqual(described(systemEngine as unknown as Engine), []);
});

test("what does not open is told as damage, and can be written over", async () => {
  const rig = await createRig();
  await rig.store.transact((tx) => tx.putRaw("logical/x/damaged", Buffer.from("not sealed by anybody, and long enough to look so")));
  await assert.rejects(raw(rig, "read", "logical/x/damaged"), (error: unknown) => error instanceof RequestError && error.status === 500 && /damaged/.test(error.message));
  await raw(rig, "update", "logical/x/damaged", { value: "mended" });
  assert.deepEqual(await raw(rig, "read", "logical/x/damaged"), { value: "mended" });
});

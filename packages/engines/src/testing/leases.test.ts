import assert from "node:assert/strict";
import { test } from "node:test";
import { data, definePath, expireLeasesOf, field, invalid, tokenId } from "@coffer/state-machine";
import type { Engine, SecretKind } from "@coffer/state-machine";
import { createHarness } from "./harness.js";

/** Hands out leased accounts, and keeps a list of those it revoked. */
function accounts(): { readonly engine: Engine; readonly revoked: string[]; failing: number; readonly worked: string[]; renews: Required<SecretKind>["renew"] | undefined } {
  const state = { revoked: [] as string[], failing: 0, worked: [] as string[], renews: undefined as Required<SecretKind>["renew"] | undefined };
  const credentials = definePath({
    template: "creds/{name}",
    help: { synopsis: "Gives an account.", description: "" },
    fields: { name: field.string({ description: "Name of the account.", required: true }), ttl: field.duration({ description: "Its TTL.", query: true, default: 600 }) },
    operations: {
      read: {
        effect: "write",
        summary: "Give an account.",
        handler: ({ input }) => data({ name: input.name }, { secret: { kind: "account", ttlSeconds: input.ttl, renewable: true, internalData: { name: input.name } } }),
      },
    },
  });
  const engine: Engine = {
    type: "accounts",
    table: "secret",
    help: "Accounts.",
    paths: [credentials],
    secrets: [
      {
        name: "account",
        renew: (...asked) => state.renews?.(...asked),
        revoke: ({ name }) => {
          if (state.failing > 0) {
            state.failing--;
            throw new Error("the other side does not answer");
          }
          state.revoked.push(String(name));
        },
      },
    ],
    periodic: async (_storage, { fullPath }) => {
      state.worked.push(fullPath);
      if (fullPath === "broken/") throw new Error("broken");
      return state.worked.length < 3;
    },
  };
  return Object.assign(state, { engine });
}

async function service() {
  const backend = accounts();
  const harness = await createHarness({ engines: [backend.engine] });
  await harness.mount("acc", "accounts");
  const token = await harness.tokenWith('path "acc/*" { capabilities = ["read"] }');
  const lease = async (name: string, ttl = "10m") => (await harness.request("GET", `acc/creds/${name}`, undefined, { token, query: { ttl } })).body;
  /** But for the entries of tokens. */
  const leases = async () => (await harness.store.evaluate((tx) => tx.keys("core/lease/"))).value.filter((key) => !/\/h[A-Za-z0-9]{24}$/.test(key));
  return { ...harness, backend, token, lease, leases };
}

test("a leased secret carries its lease, and is revoked when that ends", async () => {
  const { lease, backend, clock, doDueWork, leases } = await service();
  const body = await lease("x");
  assert.match(body["lease_id"] as string, /^acc\/creds\/x\/[A-Za-z0-9]{24}$/);
  assert.deepEqual([body["lease_duration"], body["renewable"], body["data"]], [600, true, { name: "x" }]);
  clock.advance(599);
  await doDueWork();
  assert.deepEqual(backend.revoked, []);
  clock.advance(1);
  await doDueWork();
  assert.deepEqual(backend.revoked, ["x"]);
  assert.deepEqual((await leases()).filter((key) => key.startsWith("id/")), []);
});

test("a renewed lease ends later, and the index's old entry does nothing", async () => {
  const { request, lease, backend, clock, doDueWork } = await service();
  const id = (await lease("x"))["lease_id"] as string;
  clock.advance(500);
  assert.equal((await request("POST", "sys/leases/renew", { lease_id: id, increment: 900 })).body["lease_duration"], 900);
  clock.advance(600);
  await doDueWork();
  assert.deepEqual(backend.revoked, []);
  clock.advance(300);
  await doDueWork();
  assert.deepEqual(backend.revoked, ["x"]);
});

test("a renewal asks the engine, which gives a TTL of its own, or refuses", async () => {
  const { request, lease, backend, clock } = await service();
  const id = (await lease("x"))["lease_id"] as string;
  const asked: unknown[] = [];
  backend.renews = (internalData, increment, _storage, { fullPath }, { id: of, issueTime, granted }) => {
    asked.push([internalData, increment, fullPath, of, issueTime, granted(undefined), granted(10_000)]);
    return 300;
  };
  await request("POST", "sys/mounts/acc/tune", { max_lease_ttl: "1h" });
  clock.advance(500);
  const renewed = await request("POST", "sys/leases/renew", { lease_id: id, increment: 900 });
  assert.deepEqual([renewed.body["lease_id"], renewed.body["lease_duration"], renewed.body["renewable"]], [id, 300, true]);
  assert.deepEqual(asked, [[{ name: "x" }, 900, "acc/", id, 1_767_225_600, 900, 3100]]);
  backend.renews = () => {
    throw invalid("the account is locked");
  };
  assert.deepEqual((await request("POST", "sys/leases/renew", { lease_id: id })).body.errors, ["the account is locked"]);
  assert.equal((await request("POST", "sys/leases/lookup", { lease_id: id })).body["data"].ttl, 300);
});

test("a renewal keeps to the mount's maximum as it is now, and says so", async () => {
  const { request, lease, clock } = await service();
  const id = (await lease("x"))["lease_id"] as string;
  await request("POST", "sys/mounts/acc/tune", { max_lease_ttl: "1000s" });
  clock.advance(500);
  const { body } = await request("PUT", `sys/leases/renew/${id}`, { increment: 900 });
  assert.deepEqual([body["lease_duration"], body.warnings], [500, ['TTL of "15m" exceeded the effective max_ttl of "8m20s"; TTL value is capped accordingly']]);
});

test("a lease that has ended, or whose mount is gone, is not renewed", async () => {
  const { request, lease, clock } = await service();
  const [first, second] = [(await lease("x"))["lease_id"] as string, (await lease("y", "1h"))["lease_id"] as string];
  const renew = async (id: string) => (await request("POST", "sys/leases/renew", { lease_id: id })).body.errors;
  clock.advance(600);
  assert.deepEqual(await renew(first), ["lease expired"]);
  await request("DELETE", "sys/mounts/acc");
  assert.deepEqual([await renew(second), await renew("acc/creds/none")], [["lease not found"], ["lease not found"]]);
});

test("a lease that was renewed is not ended by what the index said before", async () => {
  const { lease, backend, store, clock, doDueWork } = await service();
  const id = (await lease("x"))["lease_id"] as string;
  const codec = { encode: () => Buffer.from("{}"), decode: () => ({}) };
  await store.transact((tx) => tx.put(`core/expire/${String(clock.now()).padStart(13, "0")}/lease/${id}`, codec, {}));
  await doDueWork();
  assert.deepEqual(backend.revoked, []);
});

test("the leases of a token end with it, and only its own", async () => {
  const { request, lease, token, tokenWith, backend, doDueWork, leases } = await service();
  for (const name of ["a", "b"]) await lease(name);
  const other = await tokenWith('path "acc/*" { capabilities = ["read"] }');
  await request("GET", "acc/creds/kept", undefined, { token: other });
  await request("POST", "auth/token/revoke", { token });
  await doDueWork();
  assert.deepEqual(backend.revoked.sort(), ["a", "b"]);
  assert.equal((await leases()).filter((key) => key.startsWith("id/")).length, 1);
});

test("the leases of an expired token end with it", async () => {
  const { request, backend, clock, doDueWork } = await service();
  await request("POST", "sys/policies/acl/reader", { policy: 'path "acc/*" { capabilities = ["read"] }' });
  const token = (await request("POST", "auth/token/create", { policies: ["reader"], ttl: "1m" })).body["auth"].client_token as string;
  await request("GET", "acc/creds/x", undefined, { token, query: { ttl: "1h" } });
  clock.advance(60);
  await doDueWork();
  assert.deepEqual(backend.revoked, ["x"]);
});

test("a lease that is made while its token's leases are ended makes that start over", async () => {
  const { lease, token, store, clock } = await service();
  await lease("first");
  const env = { now: clock.now, randomBytes: (length: number) => new Uint8Array(length), uuid: () => "" };
  const late = await store.evaluate((tx) => expireLeasesOf(tx.scoped("core/"), tokenId(tx.scoped("core/"), token), env));
  await lease("second");
  assert.equal((await store.commit(late)).outcome, "conflict");
});

test("a revocation that fails is tried again, later each time", async () => {
  const { lease, backend, clock, doDueWork } = await service();
  await lease("x");
  backend.failing = 2;
  clock.advance(600);
  await assert.rejects(doDueWork(), /does not answer/);
  await doDueWork();
  assert.deepEqual(backend.revoked, []);
  clock.advance(20);
  await assert.rejects(doDueWork(), /does not answer/);
  clock.advance(39);
  await doDueWork();
  assert.deepEqual(backend.revoked, []);
  clock.advance(1);
  await doDueWork();
  assert.deepEqual(backend.revoked, ["x"]);
});

test("a lease of a removed mount is forgotten rather than tried for ever", async () => {
  const { request, lease, leases, clock, doDueWork } = await service();
  await lease("x");
  await request("DELETE", "sys/mounts/acc");
  clock.advance(600);
  await doDueWork();
  assert.deepEqual((await leases()).filter((key) => key.startsWith("id/")), []);
});

test("periodic work is done for each mount until none is due, and one that fails does not keep the others from theirs", async () => {
  const { mount, backend, doDueWork } = await service();
  await doDueWork();
  assert.deepEqual(backend.worked, ["acc/", "acc/", "acc/"]);
  await mount("broken", "accounts");
  await mount("whole", "accounts");
  backend.worked.length = 0;
  await assert.rejects(doDueWork(), /broken/);
  assert.deepEqual([...new Set(backend.worked)], ["acc/", "broken/", "whole/"]);
});

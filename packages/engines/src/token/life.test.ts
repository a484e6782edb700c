import assert from "node:assert/strict";
import { test } from "node:test";
import { revokeTree, tokenId, tokenRemoved } from "@coffer/state-machine";
import { createHarness } from "../testing/harness.js";
import type { Answer } from "../testing/harness.js";

const CREATOR = 'path "auth/token/create" { capabilities = ["update"] }\npath "auth/token/lookup-self" { capabilities = ["update"] }';

async function service() {
  const harness = await createHarness();
  const { request } = harness;
  await request("POST", "sys/policies/acl/creator", { policy: CREATOR });
  const auth = async (body: Record<string, unknown>, token?: string) =>
    (await request("POST", "auth/token/create", { policies: ["creator"], ...body }, token === undefined ? {} : { token })).body["auth"] as { client_token: string; accessor: string };
  const create = async (body: Record<string, unknown> = {}, token?: string) => (await auth(body, token)).client_token;
  const self = (token: string) => request("GET", "auth/token/lookup-self", undefined, { token });
  const lives = async (token: string) => (await self(token)).status === 200;
  /** What is stored of tokens, but for the first root token. */
  const stored = async () => (await harness.store.evaluate((tx) => tx.keys("core/"))).value.filter((key) => /^(token\/(id|gone|parent\/\w+)|expire|lease\/id)\//.test(key)).length - 1;
  return { ...harness, auth, create, self, lives, stored };
}

const error = ({ status, body }: Answer) => [status, body.errors?.[0]] as const;
const INVALID_TOKEN = [403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"];

test("a token looks up itself, and others by text or accessor", async () => {
  const { request, auth, rootToken, self } = await service();
  const { client_token: token, accessor } = await auth({ ttl: "1h" });
  const { body } = await self(token);
  assert.deepEqual([body["data"].id, body["data"].accessor, body["data"].ttl], [token, accessor, 3600]);
  assert.deepEqual((await request("POST", "auth/token/lookup-self", {}, { token })).body["data"], body["data"]);
  assert.deepEqual((await request("POST", "auth/token/lookup", { token })).body["data"], body["data"]);
  assert.deepEqual((await request("GET", "auth/token/lookup", undefined, { query: { token } })).body["data"], body["data"]);
  assert.deepEqual((await request("POST", "auth/token/lookup-accessor", { accessor })).body["data"], { ...body["data"], id: "" });
  const root = (await request("GET", "auth/token/lookup")).body["data"];
  assert.deepEqual([root.id, root.path, root.policies, root.expire_time, "renewable" in root, "issue_time" in root], [rootToken, "auth/token/root", ["root"], null, false, false]);
});

test("what is not known is told apart by path", async () => {
  const { request } = await service();
  assert.deepEqual(error(await request("POST", "auth/token/lookup", { token: "hvs.none" })), [403, "bad token"]);
  const invalidAccessor = [400, "1 error occurred:\n\t* invalid accessor\n\n"];
  assert.deepEqual(error(await request("POST", "auth/token/lookup-accessor", { accessor: "none" })), invalidAccessor);
  assert.deepEqual(error(await request("POST", "auth/token/renew-accessor", { accessor: "none" })), invalidAccessor);
  assert.deepEqual(error(await request("POST", "auth/token/renew", { token: "none" })), [400, "token not found"]);
  assert.deepEqual(error(await request("POST", "auth/token/revoke-orphan", { token: "none" })), [400, "token to revoke not found"]);
  assert.equal((await request("POST", "auth/token/revoke", { token: "none" })).status, 204);
  assert.deepEqual((await request("POST", "auth/token/revoke-accessor", { accessor: "none" })).body.warnings, ["No token found with this accessor"]);
  for (const path of ["renew", "revoke", "revoke-orphan"]) assert.deepEqual(error(await request("POST", `auth/token/${path}`, {})), [400, "missing token ID"]);
  for (const path of ["lookup-accessor", "renew-accessor", "revoke-accessor"]) assert.deepEqual(error(await request("POST", `auth/token/${path}`, {})), [400, "missing accessor"]);
});

test("a renewal gives what was asked for, or as much as last time", async () => {
  const { request, auth, clock, self } = await service();
  const { client_token: token, accessor } = await auth({ ttl: "30m", explicit_max_ttl: "2h" });
  const renew = async (path: string, body: Record<string, unknown>, by?: string) => (await request("POST", `auth/token/${path}`, body, by === undefined ? {} : { token: by })).body;
  clock.advance(600);
  assert.deepEqual((await renew("renew-self", {}, token))["auth"].lease_duration, 1800);
  const renewed = (await self(token)).body["data"];
  assert.deepEqual([renewed.ttl, renewed.creation_ttl, renewed.last_renewal, renewed.last_renewal_time, renewed.expire_time], [1800, 1800, "2026-01-01T00:10:00.000Z", 1_767_226_200, "2026-01-01T00:40:00.000Z"]);
  const byText = await renew("renew", { token, increment: "1h" });
  assert.deepEqual([byText["auth"].client_token, byText["auth"].lease_duration], [token, 3600]);
  const byAccessor = await renew("renew-accessor", { accessor, increment: 60 });
  assert.deepEqual([byAccessor["auth"].client_token, byAccessor["auth"].lease_duration], ["", 60]);
  const capped = await renew("renew", { token, increment: "5h" });
  assert.deepEqual([capped["auth"].lease_duration, capped.warnings], [6600, ['TTL of "5h" exceeded the effective max_ttl of "1h50m"; TTL value is capped accordingly']]);
});

test("a token without an end, or made so, is not renewed", async () => {
  const { request, create, rootToken } = await service();
  const fixed = await create({ renewable: false });
  for (const token of [fixed, rootToken]) assert.deepEqual(error(await request("POST", "auth/token/renew-self", {}, { token })), [400, "lease is not renewable"]);
});

test("a periodic token lives as long as it is renewed in time", async () => {
  const { request, create, clock, lives, doDueWork } = await service();
  const token = await create({ period: "1h" });
  for (let hours = 0; hours < 1000; hours += 100) {
    clock.advance(3599);
    assert.equal((await request("POST", "auth/token/renew-self", { increment: "5h" }, { token })).body["auth"].lease_duration, 3600);
  }
  clock.advance(3600);
  assert.equal(await lives(token), false);
  await doDueWork();
});

test("an explicit maximum ends a token however often it is renewed", async () => {
  const { request, create, clock, lives } = await service();
  const token = await create({ ttl: "10m", explicit_max_ttl: "25m" });
  const renew = async () => (await request("POST", "auth/token/renew-self", {}, { token })).body["auth"]?.lease_duration as number | undefined;
  clock.advance(590);
  assert.equal(await renew(), 600);
  clock.advance(590);
  assert.equal(await renew(), 320);
  clock.advance(320);
  assert.deepEqual([await renew(), await lives(token)], [undefined, false]);
});

test("an expired token is refused at once, and the worker takes it away with all that hangs on it", async () => {
  const { request, create, self, clock, doDueWork, stored } = await service();
  const parent = await create({ ttl: "1m" });
  const child = await create({ ttl: "1h" }, parent);
  await request("POST", "cubbyhole/mine", { v: 1 }, { token: child });
  clock.advance(60);
  assert.deepEqual(error(await self(parent)), INVALID_TOKEN);
  assert.equal((await self(child)).status, 200);
  await doDueWork();
  assert.deepEqual(error(await self(child)), INVALID_TOKEN);
  assert.equal(await stored(), 0);
});

test("many tokens that are due together all go", async () => {
  const { create, clock, doDueWork, stored } = await service();
  for (let i = 0; i < 150; i++) await create({ ttl: "1m", no_parent: true });
  assert.equal(await stored(), 450);
  clock.advance(61);
  await doDueWork();
  assert.equal(await stored(), 0);
});

test("a token that was renewed is not taken away by what the index said before", async () => {
  const { create, lives, store, clock, doDueWork } = await service();
  const token = await create({ ttl: "1h" });
  const codec = { encode: () => Buffer.from("{}"), decode: () => ({}) };
  await store.transact((tx) => tx.put(`core/expire/${String(clock.now()).padStart(13, "0")}/token/${tokenId(tx.scoped("core/"), token)}`, codec, {}));
  await doDueWork();
  assert.equal(await lives(token), true);
});

test("revocation takes the whole tree", async () => {
  const { request, create, lives } = await service();
  const parent = await create();
  const [childA, childB] = [await create({}, parent), await create({}, parent)];
  const grandchild = await create({}, childA);
  const other = await create();
  assert.equal((await request("POST", "auth/token/revoke", { token: parent })).status, 204);
  assert.deepEqual(await Promise.all([parent, childA, childB, grandchild, other].map(lives)), [false, false, false, false, true]);
  assert.equal((await request("POST", "auth/token/revoke-self", undefined, { token: other })).status, 204);
  assert.equal(await lives(other), false);
});

test("revoke-orphan leaves the children, and needs sudo", async () => {
  const { request, create, self, lives } = await service();
  const parent = await create();
  const child = await create({}, parent);
  const grandchild = await create({}, child);
  assert.equal((await request("POST", "auth/token/revoke-orphan", { token: child }, { token: parent })).status, 403);
  assert.equal((await request("POST", "auth/token/revoke-orphan", { token: child })).status, 204);
  assert.deepEqual([await lives(child), (await self(grandchild)).body["data"].orphan], [false, true]);
  await request("POST", "auth/token/revoke", { token: parent });
  assert.equal(await lives(grandchild), true);
});

test("a child that is made while its parent is revoked does not survive it", async () => {
  const { create, store, lives, clock } = await service();
  const parent = await create();
  const revoke = () => store.evaluate((tx) => revokeTree(tx.scoped("core/"), tokenId(tx.scoped("core/"), parent), tokenRemoved({ now: clock.now, randomBytes: (n) => new Uint8Array(n), uuid: () => "" })));
  const late = await revoke();
  const child = await create({}, parent);
  assert.equal((await store.commit(late)).outcome, "conflict");
  assert.equal((await store.commit(await revoke())).outcome, "applied");
  assert.deepEqual([await lives(parent), await lives(child)], [false, false]);
});

test("children made at the same time do not get in each other's way", async () => {
  const { create, lives, request } = await service();
  const parent = await create();
  const children = await Promise.all(Array.from({ length: 8 }, () => create({}, parent)));
  assert.deepEqual(await Promise.all(children.map(lives)), children.map(() => true));
  await request("POST", "auth/token/revoke", { token: parent });
  assert.deepEqual(await Promise.all(children.map(lives)), children.map(() => false));
});

test("accessors are listed to those with sudo, and revoke", async () => {
  const { request, auth, create, lives } = await service();
  const { client_token: token, accessor } = await auth({});
  const { body } = await request("LIST", "auth/token/accessors");
  assert.equal(body["data"].keys.length, 2);
  assert.ok((body["data"].keys as string[]).includes(accessor));
  assert.equal((await request("LIST", "auth/token/accessors", undefined, { token: await create() })).status, 403);
  assert.equal((await request("POST", "auth/token/revoke-accessor", { accessor })).status, 204);
  assert.equal(await lives(token), false);
});

test("a token of limited uses ends with its last one", async () => {
  const { create, self, stored, doDueWork } = await service();
  const token = await create({ num_uses: 2 });
  assert.equal((await self(token)).status, 200);
  assert.equal((await self(token)).status, 200);
  assert.deepEqual(error(await self(token)), INVALID_TOKEN);
  await doDueWork();
  assert.equal(await stored(), 0);
});

test("of concurrent uses no more than the limit succeed", async () => {
  const { create, self } = await service();
  const token = await create({ num_uses: 3 });
  const answers = await Promise.all(Array.from({ length: 6 }, () => self(token)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 403, 403, 403]);
});

test("the use that renews a token keeps the renewal, the one that revokes it brings nothing back", async () => {
  const { request, create, self, clock, doDueWork, stored } = await service();
  const renewed = await create({ num_uses: 5, ttl: "10m" });
  clock.advance(300);
  await request("POST", "auth/token/renew-self", {}, { token: renewed });
  assert.equal((await self(renewed)).body["data"].ttl, 600);
  assert.equal((await request("POST", "auth/token/revoke-self", undefined, { token: renewed })).status, 204);
  assert.deepEqual(error(await self(renewed)), INVALID_TOKEN);
  await doDueWork();
  assert.equal(await stored(), 0);
});

test("tidy says that there is nothing to do", async () => {
  const { request } = await service();
  const { status, body } = await request("POST", "auth/token/tidy", {});
  assert.deepEqual([status, body.warnings?.length], [202, 1]);
});

test("a token made within a second lives its whole time, to the millisecond, and is then taken away", async () => {
  const { create, clock, lives, doDueWork, stored } = await service();
  for (const fraction of [0.001, 0.789, 0.999]) {
    clock.advance(fraction);
    const token = await create({ ttl: "4s" });
    clock.advance(3.999);
    await doDueWork();
    assert.equal(await lives(token), true);
    clock.advance(0.001);
    assert.equal(await lives(token), false);
    clock.advance(0.001);
    await doDueWork();
    assert.equal(await stored(), 0);
  }
});

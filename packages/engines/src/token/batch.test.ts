import assert from "node:assert/strict";
import { test } from "node:test";
import { data, definePath } from "@coffer/state-machine";
import type { AuthGrant, Engine } from "@coffer/state-machine";
import { createHarness } from "../testing/harness.js";
import type { Answer } from "../testing/harness.js";

const error = ({ status, body }: Answer) => [status, body.errors?.[0]] as const;
const INVALID_TOKEN = [403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"];

async function service(seed = "seed") {
  const state = { grant: {} as Partial<AuthGrant>, revoked: 0 };
  const door: Engine = {
    type: "door", table: "auth", help: "Lets people in.",
    paths: [definePath({
      template: "login", help: { synopsis: "Logs in.", description: "" }, fields: {},
      operations: { update: { effect: "write", access: "none", summary: "Log in.", handler: () => ({ kind: "envelope", data: null, grant: { policies: ["staff"], displayName: "ann", renewable: true, ttlSeconds: 600, numUses: 5, ...state.grant } }) } },
    })],
  };
  const accounts: Engine = {
    type: "accounts", table: "secret", help: "Accounts.",
    paths: [definePath({
      template: "creds", help: { synopsis: "Gives an account.", description: "" }, fields: {},
      operations: { read: { effect: "write", summary: "Give an account.", handler: () => data({}, { secret: { kind: "account", ttlSeconds: 3600, renewable: true, internalData: {} } }) } },
    })],
    secrets: [{ name: "account", revoke: () => void state.revoked++ }],
  };
  const harness = await createHarness({ engines: [door, accounts], seed });
  const { request } = harness;
  await request("POST", "sys/policies/acl/staff", { policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }' });
  await harness.mount("auth/door", "door");
  await harness.mount("acc", "accounts");
  const make = async (body: Record<string, unknown> = {}, token?: string) =>
    (await request("POST", "auth/token/create", { type: "batch", policies: ["staff"], ttl: "1h", ...body }, token === undefined ? {} : { token })).body["auth"] as Record<string, unknown> & { client_token: string };
  const self = (token: string) => request("GET", "auth/token/lookup-self", undefined, { token });
  return { ...harness, state, make, self };
}

test("a batch token is answered and looked up as such", async () => {
  const { make, self, request } = await service();
  const { client_token: token, ...auth } = await make({ meta: { team: "x" }, display_name: "web" });
  assert.match(token, /^hvb\.[A-Za-z0-9_-]{100,}$/);
  assert.deepEqual(auth, {
    accessor: "", policies: ["default", "staff"], token_policies: ["default", "staff"], metadata: { team: "x" }, lease_duration: 3600, renewable: false,
    entity_id: "", token_type: "batch", orphan: false, mfa_requirement: null, num_uses: 0,
  });
  const { body } = await self(token);
  assert.deepEqual(body["data"], {
    id: token, accessor: "", policies: ["default", "staff"], path: "auth/token/create", meta: { team: "x" }, display_name: "token-web", num_uses: 0, orphan: false, creation_time: 1_767_225_600,
    creation_ttl: 3600, expire_time: "2026-01-01T01:00:00.000Z", ttl: 3600, explicit_max_ttl: 0, entity_id: "", type: "batch", issue_time: "2026-01-01T00:00:00.000Z", renewable: false,
  });
  assert.deepEqual((await request("POST", "auth/token/lookup", { token })).body["data"], body["data"]);
  assert.deepEqual((await request("POST", "sys/capabilities", { token, paths: ["x"] })).body["data"].x, ["create", "delete", "list", "read", "update"]);
});

test("making one writes nothing but the first key, and none is like another", async () => {
  const { make, store } = await service();
  await make();
  const before = store.index();
  const made = new Set([(await make()).client_token, (await make()).client_token]);
  assert.equal(made.size, 2);
  assert.equal(store.index(), before);
});

test("it ends with its time, and with its parent", async () => {
  const { make, self, clock, request } = await service();
  const timed = (await make()).client_token;
  clock.advance(3599);
  assert.equal((await self(timed)).status, 200);
  clock.advance(1);
  assert.deepEqual(error(await self(timed)), INVALID_TOKEN);
  const parent = (await request("POST", "auth/token/create", { policies: ["staff"], ttl: "2h" })).body["auth"].client_token as string;
  const child = (await make({}, parent)).client_token;
  assert.equal((await self(child)).status, 200);
  await request("POST", "auth/token/revoke", { token: parent });
  assert.deepEqual(error(await self(child)), INVALID_TOKEN);
});

test("it is not renewed, not revoked, and makes no tokens", async () => {
  const { make, request } = await service();
  const token = (await make()).client_token;
  assert.deepEqual(error(await request("POST", "auth/token/renew-self", {}, { token })), [400, "batch tokens cannot be renewed"]);
  assert.deepEqual(error(await request("POST", "auth/token/renew", { token })), [400, "batch tokens cannot be renewed"]);
  assert.deepEqual(error(await request("POST", "auth/token/revoke-self", undefined, { token })), [400, "batch tokens cannot be revoked"]);
  assert.deepEqual(error(await request("POST", "auth/token/revoke", { token })), [400, "batch tokens cannot be revoked"]);
  assert.deepEqual(error(await request("POST", "auth/token/revoke-orphan", { token })), [400, "batch tokens cannot be revoked"]);
  assert.deepEqual(error(await request("POST", "auth/token/create", {}, { token })), [400, "batch tokens cannot create more tokens"]);
  assert.deepEqual(error(await request("POST", "cubbyhole/a", { v: 1 }, { token })), [400, "cubbyhole operations are only supported by 'service' type tokens"]);
});

test("what a batch token cannot have is refused", async () => {
  const { request } = await service();
  const create = async (body: Record<string, unknown>) => error(await request("POST", "auth/token/create", { type: "batch", policies: ["staff"], ...body }));
  assert.deepEqual(await create({ period: "1h" }), [400, 'batch tokens cannot have "period" set']);
  assert.deepEqual(await create({ num_uses: 1 }), [400, 'batch tokens cannot have "num_uses" set']);
  assert.deepEqual(await create({ explicit_max_ttl: "1h" }), [400, 'batch tokens cannot have "explicit_max_ttl" set']);
  assert.deepEqual(await create({ policies: ["root"] }), [400, "batch tokens cannot be root tokens"]);
});

test("a token that was changed, cut or made elsewhere is none", async () => {
  const { make, self } = await service();
  const { client_token: token } = await make();
  const at = token.length - 20;
  const flipped = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
  const elsewhere = (await (await service("another cluster")).make()).client_token;
  for (const text of [flipped, token.slice(0, -1), "hvb.", "hvb.AAAA", `hvb.${"A".repeat(200)}`, elsewhere, "hvb.not base64!"]) assert.deepEqual(error(await self(text)), INVALID_TOKEN);
});

test("its leases end with it at the latest, and with its parent", async () => {
  const { make, request, clock, doDueWork, state } = await service();
  const parent = (await request("POST", "auth/token/create", { policies: ["staff"], ttl: "9h" })).body["auth"].client_token as string;
  const token = (await make({ ttl: "10m" }, parent)).client_token;
  const lease = (await request("GET", "acc/creds", undefined, { token })).body;
  assert.equal(lease["lease_duration"], 600);
  clock.advance(300);
  assert.equal((await request("POST", "sys/leases/renew", { lease_id: lease["lease_id"], increment: 3000 })).body["lease_duration"], 300);
  clock.advance(300);
  await doDueWork();
  assert.equal(state.revoked, 1);
  const second = (await make({}, parent)).client_token;
  await request("GET", "acc/creds", undefined, { token: second });
  await request("POST", "auth/token/revoke", { token: parent });
  await doDueWork();
  assert.equal(state.revoked, 2);
  const orphan = (await make({ no_parent: true, ttl: "1m" })).client_token;
  await request("GET", "acc/creds", undefined, { token: orphan });
  clock.advance(60);
  await doDueWork();
  assert.equal(state.revoked, 3);
});

test("logins make what the mount says, or the method where the mount leaves it open", async () => {
  const { request, state } = await service();
  const login = async () => (await request("POST", "auth/door/login")).body["auth"].token_type as string;
  const results: Record<string, string[]> = {};
  for (const token_type of ["default-service", "default-batch", "service", "batch"]) {
    await request("POST", "sys/auth/door/tune", { token_type });
    results[token_type] = [];
    for (const tokenType of ["default", "service", "batch"] as const) {
      state.grant = { tokenType };
      results[token_type]!.push(await login());
    }
  }
  assert.deepEqual(results, {
    "default-service": ["service", "service", "batch"],
    "default-batch": ["batch", "service", "batch"],
    service: ["service", "service", "service"],
    batch: ["batch", "batch", "batch"],
  });
});

test("a batch login goes with its mount, and with the network it is bound to", async () => {
  const { request, state, self } = await service();
  state.grant = { tokenType: "batch", boundCidrs: ["127.0.0.0/8"] };
  const token = (await request("POST", "auth/door/login")).body["auth"].client_token as string;
  assert.equal((await self(token)).status, 200);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token, remoteAddress: "10.0.0.1" })).status, 403);
  await request("DELETE", "sys/auth/door");
  assert.deepEqual(error(await self(token)), INVALID_TOKEN);
});

test("a new key is made in time, and old tokens stay good", async () => {
  const { make, self, clock, request } = await service();
  await request("POST", "sys/auth/token/tune", { max_lease_ttl: "2000h" });
  const old = (await make({ ttl: "1000h" })).client_token;
  clock.advance(31 * 86_400);
  const { client_token: young } = await make();
  assert.deepEqual([(await self(old)).status, (await self(young)).status], [200, 200]);
});

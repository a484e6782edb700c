import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import type { Answer, Harness } from "../testing/harness.js";

const CREATOR = 'path "auth/token/create" { capabilities = ["update"] }\npath "auth/token/create-orphan" { capabilities = ["update"] }';
const SUDO = 'path "auth/token/create" { capabilities = ["update", "sudo"] }';

const error = ({ status, body }: Answer) => [status, body.errors?.[0]] as const;

function creating({ request }: Harness) {
  const create = (body: Record<string, unknown>, token?: string) => request("POST", "auth/token/create", body, token === undefined ? {} : { token });
  const lookup = async (token: string) => (await request("POST", "auth/token/lookup", { token })).body["data"];
  const created = async (body: Record<string, unknown>, token?: string) => {
    const { body: answer } = await create(body, token);
    return lookup(answer["auth"].client_token as string);
  };
  return { create, lookup, created };
}

test("a token is answered as auth, and looks up as it was made", async () => {
  const harness = await createHarness();
  const { create, lookup } = creating(harness);
  await harness.request("POST", "sys/policies/acl/app", { policy: CREATOR });
  const { status, body } = await create({ policies: ["app"], meta: { team: "x" }, ttl: "30m", explicit_max_ttl: "2h", display_name: "my app!", num_uses: 7, renewable: true, type: "service" });
  assert.equal(status, 200);
  const { client_token, accessor, ...auth } = body["auth"];
  assert.match(client_token as string, /^hvs\.[A-Za-z0-9]{24}$/);
  assert.match(accessor as string, /^[A-Za-z0-9]{24}$/);
  assert.deepEqual(auth, {
    policies: ["app", "default"], token_policies: ["app", "default"], metadata: { team: "x" }, lease_duration: 1800, renewable: true,
    entity_id: "", token_type: "service", orphan: false, mfa_requirement: null, num_uses: 7,
  });
  assert.deepEqual([body["data"], body.warnings, body["mount_type"]], [null, null, "token"]);
  assert.deepEqual(await lookup(client_token as string), {
    id: client_token, accessor, policies: ["app", "default"], path: "auth/token/create", meta: { team: "x" }, display_name: "token-my-app", num_uses: 7, orphan: false,
    creation_time: 1_767_225_600, creation_ttl: 1800, expire_time: "2026-01-01T00:30:00.000Z", ttl: 1800, explicit_max_ttl: 7200, entity_id: "", type: "service",
    issue_time: "2026-01-01T00:00:00.000Z", renewable: true,
  });
});

test("a root token makes root tokens without end, unless it has one itself", async () => {
  const harness = await createHarness();
  const { create, lookup } = creating(harness);
  const endless = await create({});
  assert.deepEqual([endless.body["auth"].policies, endless.body["auth"].lease_duration, endless.body["auth"].renewable], [["root"], 0, false]);
  const { expire_time, ttl } = await lookup(endless.body["auth"].client_token as string);
  assert.deepEqual([expire_time, ttl], [null, 0]);
  const ending = await create({ policies: ["root", "other"], explicit_max_ttl: "1h" });
  assert.deepEqual([ending.body["auth"].policies, ending.body["auth"].lease_duration, ending.body.warnings], [["root"], 3600, null]);
  assert.deepEqual(error(await create({}, ending.body["auth"].client_token as string)), [400, "expiring root tokens cannot create non-expiring root tokens"]);
});

test("policies that do not exist draw a warning", async () => {
  const { create } = creating(await createHarness());
  assert.deepEqual((await create({ policies: ["b", "a"] })).body.warnings, ['Policy "a" does not exist', 'Policy "b" does not exist']);
});

test("TTLs are cut to the maximum, with a warning", async () => {
  const harness = await createHarness();
  const { create } = creating(harness);
  const made = async (body: Record<string, unknown>) => {
    const answer = await create({ policies: ["default"], ...body });
    return [answer.body["auth"]?.lease_duration, answer.body.warnings];
  };
  assert.deepEqual(await made({}), [2_764_800, null]);
  assert.deepEqual(await made({ ttl: 60 }), [60, null]);
  assert.deepEqual(await made({ lease: "2m" }), [120, null]);
  assert.deepEqual(await made({ ttl: "9999h" }), [2_764_800, ['TTL of "9999h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly']]);
  assert.deepEqual(await made({ ttl: "1h31m", explicit_max_ttl: "1h30m" }), [5400, ['TTL of "1h31m" exceeded the effective max_ttl of "1h30m"; TTL value is capped accordingly']]);
  assert.deepEqual(await made({ period: "1h", ttl: "10m" }), [3600, null]);
  assert.deepEqual(await made({ period: "9999h" }), [2_764_800, ['period of "9999h" exceeded the effective max_ttl of "768h"; period value is capped accordingly']]);
  for (const ttl of ["-1h", "soon"]) assert.equal((await create({ ttl })).status, 400);
});

test("a mount's tuned TTLs hold for tokens", async () => {
  const harness = await createHarness();
  const { create } = creating(harness);
  await harness.request("POST", "sys/auth/token/tune", { default_lease_ttl: "1h", max_lease_ttl: "2h" });
  assert.equal((await create({ policies: ["default"] })).body["auth"].lease_duration, 3600);
  assert.equal((await create({ policies: ["default"], ttl: "3h" })).body["auth"].lease_duration, 7200);
});

test("what only sudo may ask for is refused to others", async () => {
  const harness = await createHarness();
  const { create } = creating(harness);
  const token = await harness.tokenWith(CREATOR);
  assert.deepEqual(error(await create({ no_parent: true }, token)), [400, "root or sudo privileges required to create orphan token"]);
  assert.deepEqual(error(await create({ period: "1h" }, token)), [400, "root or sudo privileges required to create periodic token"]);
  assert.deepEqual(error(await create({ id: "mine" }, token)), [400, "root or sudo privileges required to specify token id"]);
  assert.deepEqual(error(await create({ policies: ["other"] }, token)), [400, "child policies must be subset of parent"]);
  const sudo = await harness.tokenWith(SUDO);
  for (const body of [{ no_parent: true }, { period: "1h" }, { id: "mine" }, { policies: ["other"] }]) assert.equal((await create(body, sudo)).status, 200);
  assert.deepEqual(error(await create({ policies: ["root"] }, sudo)), [400, "root tokens may not be created without parent token being root"]);
});

test("an orphan is made by no_parent, or by create-orphan within the caller's policies", async () => {
  const harness = await createHarness();
  const { created } = creating(harness);
  assert.equal((await created({ policies: ["default"], no_parent: true })).orphan, true);
  const token = await harness.tokenWith(CREATOR);
  const orphan = await harness.request("POST", "auth/token/create-orphan", {}, { token });
  assert.deepEqual([orphan.status, orphan.body["auth"].orphan], [200, true]);
  assert.deepEqual(error(await harness.request("POST", "auth/token/create-orphan", { policies: ["other"] }, { token })), [400, "child policies must be subset of parent"]);
});

test("a token of limited uses cannot have children", async () => {
  const harness = await createHarness();
  const { create } = creating(harness);
  await harness.request("POST", "sys/policies/acl/creator", { policy: CREATOR });
  const limited = (await create({ policies: ["creator"], num_uses: 5 })).body["auth"].client_token as string;
  assert.deepEqual(error(await create({}, limited)), [400, "restricted use token cannot generate child tokens"]);
});

test("a chosen token is taken once, and must not look like one made here", async () => {
  const { create, lookup } = creating(await createHarness());
  assert.equal((await create({ id: "chosen", policies: ["default"] })).body["auth"].client_token, "chosen");
  assert.equal((await lookup("chosen")).id, "chosen");
  assert.deepEqual(error(await create({ id: "chosen" })), [400, "cannot create a token with a duplicate ID"]);
  assert.deepEqual(error(await create({ id: "hvs.x" })), [400, "custom token ID cannot have the 'hvs.' prefix"]);
  assert.deepEqual(error(await create({ id: "s.x" })), [400, "custom token ID cannot have the 's.' prefix"]);
  assert.deepEqual(error(await create({ id: "a.b" })), [400, "custom token ID cannot have a '.' in the value"]);
  for (const id of ["with space", "ümlaut", "line\nbreak", "x".repeat(257)]) assert.equal((await create({ id })).status, 400);
});

test("display names are cleaned and begin with token", async () => {
  const { created } = creating(await createHarness());
  const name = async (display_name: string) => (await created({ policies: ["default"], display_name })).display_name as string;
  assert.deepEqual([await name(""), await name("ci"), await name("a b/c!"), await name("ü")], ["token", "token-ci", "token-a-b-c", "token-"]);
});

test("metadata is text, and absent is not the same as empty", async () => {
  const { created, create } = creating(await createHarness());
  assert.deepEqual((await created({ policies: ["default"], meta: { n: 1, t: "x" } })).meta, { n: "1", t: "x" });
  assert.deepEqual((await created({ policies: ["default"], meta: {} })).meta, {});
  assert.equal((await created({ policies: ["default"] })).meta, null);
  assert.equal((await create({ meta: { nested: {} } })).status, 400);
});

test("what makes no sense is refused", async () => {
  const { create } = creating(await createHarness());
  assert.deepEqual(error(await create({ num_uses: -1 })), [400, "number of uses cannot be negative"]);
  for (const type of ["default", "x"]) assert.deepEqual(error(await create({ type })), [400, "invalid 'token_type' value"]);
  assert.deepEqual(error(await create({ entity_alias: "x" })), [400, "'entity_alias' is only allowed in combination with token role"]);
  assert.deepEqual((await create({ policies: ["default"], nonsense: 1 })).body.warnings, ["Endpoint ignored these unrecognized parameters: [nonsense]"]);
});

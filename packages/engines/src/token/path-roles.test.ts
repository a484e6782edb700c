import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import type { Answer } from "../testing/harness.js";

const error = ({ status, body }: Answer) => [status, body.errors?.[0]] as const;

async function service() {
  const harness = await createHarness();
  const { request } = harness;
  const caller = await harness.tokenWith('path "auth/token/create/*" { capabilities = ["update"] }\npath "auth/token/create" { capabilities = ["update"] }');
  const role = (body: Record<string, unknown>, name = "ci") => request("POST", `auth/token/roles/${name}`, body);
  const read = async (name = "ci") => (await request("GET", `auth/token/roles/${name}`)).body["data"];
  const create = (body: Record<string, unknown> = {}, token = caller) => request("POST", "auth/token/create/ci", body, { token });
  const lookup = async (token: string) => (await request("POST", "auth/token/lookup", { token })).body["data"];
  const created = async (body: Record<string, unknown> = {}, token = caller) => {
    const answer = await create(body, token);
    assert.equal(answer.status, 200, answer.text);
    return lookup(answer.body["auth"].client_token as string);
  };
  return { ...harness, caller, role, read, create, created, lookup };
}

const FRESH = {
  allowed_entity_aliases: null, allowed_policies: [], allowed_policies_glob: [], disallowed_policies: [], disallowed_policies_glob: [], explicit_max_ttl: 0, name: "ci", orphan: false,
  path_suffix: "", period: 0, renewable: true, token_explicit_max_ttl: 0, token_no_default_policy: false, token_period: 0, token_type: "default-service",
};

test("a role is read as it was written, changed field by field, listed and deleted", async () => {
  const { request, role, read } = await service();
  assert.equal((await role({})).status, 204);
  assert.deepEqual(await read(), FRESH);
  const all = {
    allowed_policies: "B,a, a", disallowed_policies: ["x"], allowed_policies_glob: ["team-*"], disallowed_policies_glob: "adm*", orphan: true, renewable: false, path_suffix: "team/rev-1",
    allowed_entity_aliases: ["Web-*"], token_bound_cidrs: ["10.0.0.0/8", "127.0.0.1"], token_explicit_max_ttl: "2h", token_period: 3600, token_type: "service", token_num_uses: 3, token_no_default_policy: true,
  };
  assert.equal((await role(all)).status, 204);
  const written = {
    ...FRESH, allowed_policies: ["a", "b"], disallowed_policies: ["x"], allowed_policies_glob: ["team-*"], disallowed_policies_glob: ["adm*"], orphan: true, renewable: false, path_suffix: "team/rev-1",
    allowed_entity_aliases: ["web-*"], token_bound_cidrs: ["10.0.0.0/8", "127.0.0.1"], token_explicit_max_ttl: 7200, token_period: 3600, token_type: "service", token_num_uses: 3, token_no_default_policy: true,
  };
  assert.deepEqual(await read(), written);
  await role({ orphan: false });
  assert.deepEqual(await read(), { ...written, orphan: false });
  await role({}, "another");
  assert.deepEqual((await request("LIST", "auth/token/roles")).body["data"].keys, ["another", "ci"]);
  assert.equal((await request("DELETE", "auth/token/roles/ci")).status, 204);
  assert.equal((await request("GET", "auth/token/roles/ci")).status, 404);
  assert.equal((await request("DELETE", "auth/token/roles/ci")).status, 204);
});

test("the older names of fields are understood, and yield to the newer", async () => {
  const { role, read } = await service();
  await role({ period: "1h", explicit_max_ttl: 60, bound_cidrs: ["10.0.0.0/8"] });
  const { period, token_period, explicit_max_ttl, token_explicit_max_ttl, bound_cidrs, token_bound_cidrs } = await read();
  assert.deepEqual([period, token_period, explicit_max_ttl, token_explicit_max_ttl, bound_cidrs, token_bound_cidrs], [3600, 3600, 60, 60, ["10.0.0.0/8"], ["10.0.0.0/8"]]);
  const { body } = await role({ token_period: 10, period: 20 });
  assert.deepEqual(body.warnings, ["Both 'token_period' and deprecated 'period' value supplied, ignoring the deprecated value"]);
  const after = await read();
  assert.deepEqual([after.period, after.token_period, after.explicit_max_ttl], [0, 10, 60]);
});

test("a role that makes no sense is refused, and nothing is written", async () => {
  const { role, request } = await service();
  const refusals: readonly (readonly [Record<string, unknown>, string | RegExp])[] = [
    [{ token_type: "x" }, 'invalid \'token_type\' value "x"'],
    [{ token_type: "default" }, 'invalid \'token_type\' value "default"'],
    [{ path_suffix: "v1" }, /given role path suffix contains invalid characters/],
    [{ path_suffix: "a b c" }, /given role path suffix contains invalid characters/],
    [{ path_suffix: "a..b" }, /parent references/],
    [{ token_num_uses: -1 }, /'token_num_uses' cannot be negative/],
    [{ token_bound_cidrs: ["10.0.0.0/33"] }, 'error parsing role fields: error parsing address "10.0.0.0/33": Unable to convert "10.0.0.0/33" to an IPv4 or IPv6 address, or a UNIX Socket'],
    [{ bound_cidrs: ["nowhere"] }, /error parsing address "nowhere"/],
    [{ token_period: "soon" }, /token_period/],
    [{ orphan: "perhaps" }, /orphan/],
    [{ token_type: "batch" }, "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"],
    [{ token_type: "batch", orphan: true }, "'token_type' cannot be 'batch' when role is set to generate renewable tokens"],
    [{ token_type: "batch", orphan: true, renewable: false, token_period: 5 }, "'token_type' cannot be 'batch' when role is set to generate periodic tokens"],
    [{ token_type: "batch", orphan: true, renewable: false, token_explicit_max_ttl: 5 }, "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL"],
  ];
  for (const [body, text] of refusals) {
    const [status, message] = error(await role(body));
    assert.equal(status, 400);
    if (typeof text === "string") assert.equal(message, text);
    else assert.match(message!, text);
  }
  assert.equal((await request("GET", "auth/token/roles/ci")).status, 404);
});

test("an explicit maximum beyond the mount's draws a warning", async () => {
  const { role } = await service();
  assert.match((await role({ token_explicit_max_ttl: "9999h" })).body.warnings![0]!, /^Given explicit max TTL of 35996400 is greater than system\/mount allowed value of 2764800 seconds/);
});

test("without lists a role bounds policies by the caller's; with them by its own", async () => {
  const { role, create, created, caller, lookup } = await service();
  const own = (await lookup(caller)).policies as string[];
  await role({});
  assert.deepEqual((await created()).policies, own);
  assert.deepEqual(error(await create({ policies: ["other"] })), [400, "child policies must be subset of parent"]);
  await role({ allowed_policies: ["a", "b"] });
  assert.deepEqual((await created()).policies, ["a", "b", "default"]);
  assert.deepEqual((await created({ policies: ["a"] })).policies, ["a", "default"]);
  assert.deepEqual((await created({ policies: ["a"], no_default_policy: true })).policies, ["a"]);
  assert.deepEqual(error(await create({ policies: ["a", "c"] })), [400, 'token policies (["a" "c" "default"]) must be subset of the role\'s allowed policies (["a" "b" "default"]) or glob policies ([])']);
  await role({ token_no_default_policy: true });
  assert.deepEqual((await created({ policies: ["a"] })).policies, ["a"]);
  assert.deepEqual(error(await create({ policies: ["default"] })), [400, 'token policies (["default"]) must be subset of the role\'s allowed policies (["a" "b"]) or glob policies ([])']);
});

test("globs allow and disallow, and what is disallowed is so whoever asks", async () => {
  const { role, create, created, rootToken } = await service();
  await role({ allowed_policies_glob: ["team-*"], disallowed_policies: ["team-x"], disallowed_policies_glob: ["*-admin", "def*"] });
  assert.deepEqual((await created({ policies: ["team-a", "team-b"] })).policies, ["team-a", "team-b"]);
  assert.deepEqual(error(await create({ policies: ["team-x"] })), [400, 'token policy "team-x" is disallowed by this role']);
  assert.deepEqual(error(await create({ policies: ["team-admin"] }, rootToken)), [400, 'token policy "team-admin" is disallowed by this role']);
  assert.deepEqual(error(await create({ policies: ["steam-a"] })), [400, 'token policies (["steam-a"]) must be subset of the role\'s allowed policies ([]) or glob policies (["team-*"])']);
  await role({ allowed_policies_glob: [], disallowed_policies: ["root"], disallowed_policies_glob: [] });
  assert.deepEqual(error(await create({ policies: ["root"] }, rootToken)), [400, 'token policy "root" is disallowed by this role']);
  assert.deepEqual(error(await create({}, rootToken)), [400, 'token policy "root" is disallowed by this role']);
});

test("a role that allows root gives it to root only", async () => {
  const { role, create, created, rootToken } = await service();
  await role({ allowed_policies: ["root", "a"] });
  assert.deepEqual(error(await create({ policies: ["root"] })), [400, "root tokens may not be created without parent token being root"]);
  assert.deepEqual((await created({ policies: ["root"] }, rootToken)).policies, ["root"]);
});

test("the role says who is an orphan, how often a token is used, from where, and under which path", async () => {
  const { role, create, created, request, caller } = await service();
  await role({ orphan: true, path_suffix: "rev-1", token_num_uses: 4, token_bound_cidrs: ["10.0.0.0/8"] });
  const token = await created({ num_uses: 9, no_parent: true });
  assert.deepEqual([token.orphan, token.path, token.num_uses, token.bound_cidrs, token.role], [true, "auth/token/create/ci/rev-1", 4, ["10.0.0.0/8"], "ci"]);
  assert.equal((await created({ num_uses: 2 })).num_uses, 2);
  const text = (await create()).body["auth"].client_token as string;
  const from = async (remoteAddress: string) => (await request("GET", "auth/token/lookup-self", undefined, { token: text, remoteAddress })).status;
  assert.deepEqual([await from("10.1.2.3"), await from("192.168.0.1")], [200, 403]);
  await role({ orphan: false });
  const child = (await create()).body["auth"].client_token as string;
  await request("POST", "auth/token/revoke", { token: caller });
  assert.deepEqual([(await request("POST", "auth/token/lookup", { token: child })).status, (await request("POST", "auth/token/lookup", { token: text })).status], [403, 200]);
});

test("of the times of call and role the lesser holds; a period needs sudo only in the call", async () => {
  const { role, create, created, rootToken } = await service();
  await role({ token_period: "1h", token_explicit_max_ttl: "5h", renewable: false });
  const token = await created();
  assert.deepEqual([token.ttl, token.period, token.explicit_max_ttl, token.renewable], [3600, 3600, 18_000, false]);
  assert.deepEqual(error(await create({ period: "30m" })), [400, "root or sudo privileges required to create periodic token"]);
  const { body } = await create({ policies: ["default"], period: "30m", explicit_max_ttl: "9h" }, rootToken);
  assert.deepEqual(body.warnings, ["Explicit max TTL specified both during creation call and in role; using the lesser value of 18000 seconds", "Period specified both during creation call and in role; using the lesser value of 1800 seconds"]);
  assert.equal(body["auth"].lease_duration, 1800);
});

test("a renewal goes by the role as it is now, and not at all without it", async () => {
  const { role, create, request } = await service();
  await role({ token_period: "1h" });
  const token = (await create()).body["auth"].client_token as string;
  const renew = () => request("POST", "auth/token/renew-self", {}, { token });
  await role({ token_period: "2h" });
  assert.equal((await renew()).body["auth"].lease_duration, 7200);
  await role({ token_explicit_max_ttl: "10m" });
  assert.equal((await renew()).body["auth"].lease_duration, 600);
  await request("DELETE", "auth/token/roles/ci");
  assert.deepEqual(error(await renew()), [400, 'original token role "ci" could not be found, not renewing']);
});

test("the role says what kind of token is made, or leaves it to the caller", async () => {
  const { role, create, created } = await service();
  const kinds = async () => [(await created()).type, (await created({ type: "service" })).type, (await created({ type: "batch" })).type] as string[];
  const results: [string, string[]][] = [];
  for (const token_type of ["default-service", "default-batch", "service"]) {
    await role({ token_type });
    results.push([token_type, await kinds()]);
  }
  await role({ token_type: "batch", orphan: true, renewable: false });
  results.push(["batch", await kinds()]);
  assert.deepEqual(results, [
    ["default-service", ["service", "service", "batch"]],
    ["default-batch", ["batch", "service", "batch"]],
    ["service", ["service", "service", "service"]],
    ["batch", ["batch", "batch", "batch"]],
  ]);
  assert.deepEqual(error(await create({ num_uses: 2 })), [400, 'batch tokens cannot have "num_uses" set']);
});

test("an entity alias must be one that the role allows", async () => {
  const { role, create } = await service();
  await role({ allowed_entity_aliases: ["web-*"] });
  assert.deepEqual(error(await create({ entity_alias: "db-1" })), [400, "invalid 'entity_alias' value"]);
  const entityOf = async () => (await create({ entity_alias: "WEB-1" })).body["auth"].entity_id as string;
  const first = await entityOf();
  assert.match(first, /^[0-9a-f-]{36}$/);
  assert.equal(await entityOf(), first, "the alias names one entity");
});

test("an unknown role makes nothing", async () => {
  const { create, request, rootToken } = await service();
  assert.deepEqual(error(await create({}, rootToken)), [400, "unknown role ci"]);
  assert.equal((await request("LIST", "auth/token/roles")).status, 404);
});

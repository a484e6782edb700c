import assert from "node:assert/strict";
import { test } from "node:test";
import { buildInput } from "../framework/input.js";
import type { PathMatch } from "../framework/matcher.js";
import { equivalentPolicies, grantFor, olderTokenFields, roleTokens, shownTokens, tokenFields } from "./token-parameters.js";
import type { RoleTokens, TokenInput } from "./token-parameters.js";

const declaration = { template: "role", help: { synopsis: "", description: "" }, fields: { ...tokenFields, ...olderTokenFields }, operations: {} };
const from = (body: Record<string, unknown>, before?: RoleTokens) => roleTokens(buildInput({ declaration, parameters: {} } as unknown as PathMatch, body, true).input as TokenInput, before);

test("a role without token parameters shows Vault's defaults", () => {
  assert.deepEqual(shownTokens(from({})), {
    token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 0, token_no_default_policy: false, token_num_uses: 0, token_period: 0,
    token_policies: [], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 0, token_type: "default",
  });
});

test("a later write changes what it names, and nothing else", () => {
  const first = from({ token_ttl: "15m", token_max_ttl: "60m", token_policies: "a,b", token_bound_cidrs: ["127.0.0.1/32"] });
  const second = from({ token_ttl: 60 }, first);
  assert.deepEqual([second.parameters.token_ttl, second.parameters.token_max_ttl, second.parameters.token_policies, second.parameters.token_bound_cidrs], [60, 3600, ["a", "b"], ["127.0.0.1"]]);
});

test("an older name sets the newer, is shown beside it, and gives way to it", () => {
  const older = from({ policies: "Dev, dev,ops", ttl: "1h", max_ttl: "24h" });
  assert.deepEqual([older.parameters.token_policies, older.parameters.token_ttl], [["dev", "ops"], 3600]);
  assert.deepEqual([shownTokens(older)["policies"], shownTokens(older)["ttl"], shownTokens(older)["max_ttl"]], [["dev", "ops"], 3600, 86_400]);
  const newer = from({ token_ttl: "2h" }, older);
  assert.deepEqual([newer.parameters.token_ttl, shownTokens(newer)["ttl"], shownTokens(newer)["max_ttl"]], [7200, undefined, 86_400]);
  assert.equal(from({ ttl: "1h", token_ttl: "2h" }).parameters.token_ttl, 7200);
  const emptied = shownTokens(from({ policies: "", ttl: 0, max_ttl: 0, bound_cidrs: "" }, older));
  assert.deepEqual([emptied["token_policies"], ...["policies", "ttl", "max_ttl", "bound_cidrs"].map((name) => name in emptied)], [[], false, false, false, false]);
});

test("parameters that contradict each other are refused", () => {
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ token_num_uses: -1 }, /'token_num_uses' cannot be negative/],
    [{ token_ttl: -1 }, /cannot provide negative value/],
    [{ token_type: "root" }, /invalid 'token_type' value "root"/],
    [{ token_type: "batch", token_period: 1 }, /periodic tokens/],
    [{ token_type: "batch", token_num_uses: 1 }, /limited use count/],
    [{ token_ttl: 2, token_max_ttl: 1 }, /cannot be greater/],
    [{ token_bound_cidrs: "10.0.0.0/99" }, /invalid network "10.0.0.0\/99"/],
    [{ token_bound_cidrs: "10.0.0.0/8", token_strictly_bind_ip: true }, /conflicts/],
    [{ alias_metadata: "team" }, /expected key=value/],
    [{ alias_metadata: ["a=b", 7] }, /expected key=value/],
    [{ alias_metadata: { a: { b: "c" } } }, /expected a string/],
    [{ alias_metadata: { "": "x" } }, /key cannot be blank/],
    [{ alias_metadata: { "a b": "x" } }, /invalid characters/],
    [{ alias_metadata: { a: "x".repeat(513) } }, /value is too long/],
    [{ alias_metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "x"])) }, /more than 64/],
  ];
  for (const [body, message] of refused) assert.throws(() => from(body), message);
});

test("policies are equivalent whatever their case and order, and whether default is among them", () => {
  assert.ok(equivalentPolicies(["Dev", "ops", "ops"], ["ops", "dev", "default"]));
  assert.ok(equivalentPolicies([], ["default"]));
  assert.ok(!equivalentPolicies(["dev"], ["dev", "ops"]) && !equivalentPolicies(["dev"], ["ops"]));
});

test("a login's grant joins the role's policies with the user's, and binds the token where the role says so", () => {
  const role = from({ token_policies: "role", token_strictly_bind_ip: true, token_num_uses: 3, token_period: "1h" });
  const grant = grantFor(role, { displayName: "approle", policies: ["user"], remoteAddress: "10.0.0.9", alias: { name: "id" } });
  assert.deepEqual([grant.policies, grant.boundCidrs, grant.numUses, grant.periodSeconds, grant.alias, grant.renewable], [["role", "user"], ["10.0.0.9"], 3, 3600, { name: "id" }, true]);
});

test("alias_metadata is a map, or KEY=VALUE texts, and goes with the alias of whoever has one", () => {
  const role = from({ alias_metadata: ["team=ops", "site=a=b"] });
  assert.deepEqual(shownTokens(role)["alias_metadata"], { team: "ops", site: "a=b" });
  assert.deepEqual(shownTokens(from({ token_ttl: 60 }, role))["alias_metadata"], { team: "ops", site: "a=b" });
  assert.deepEqual(shownTokens(from({ alias_metadata: {} }, role))["alias_metadata"], {});
  const login = { displayName: "x", remoteAddress: "10.0.0.9" };
  assert.deepEqual(grantFor(role, { ...login, alias: { name: "id", metadata: { a: "b" } } }).alias, { name: "id", metadata: { a: "b" }, customMetadata: { team: "ops", site: "a=b" } });
  assert.equal(grantFor(role, login).alias, undefined);
});

test("a role that was stored before there was alias_metadata shows none, and logs in", () => {
  const { alias_metadata, ...parameters } = from({}).parameters;
  assert.deepEqual(alias_metadata, {});
  const older: RoleTokens = { parameters, older: [] };
  assert.deepEqual(shownTokens(older)["alias_metadata"], {});
  assert.deepEqual(grantFor(older, { displayName: "x", remoteAddress: "10.0.0.9", alias: { name: "id" } }).alias, { name: "id" });
});

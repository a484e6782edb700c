/** Every auth method takes the shared parameters of its tokens, and those of the older names that it has in Vault. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { olderTokenFields, tokenFields } from "@coffer/state-machine";
import { mountableTypes } from "./registry.js";
import { createAuthority } from "./testing/certificate-authority.js";
import { createHarness } from "./testing/harness.js";

interface Role {
  readonly path: string;
  /** What it cannot be made without. */
  readonly least: Readonly<Record<string, unknown>>;
  readonly older: readonly string[];
}

const ALL_OLDER = Object.keys(olderTokenFields);
const { certificate } = await createAuthority();
const ROLES: Readonly<Record<string, Role>> = {
  approle: { path: "role/r", least: {}, older: ["period", "policies"] },
  aws: { path: "role/r", least: { auth_type: "iam", bound_iam_principal_arn: "arn:aws:iam::123456789012:role/app", resolve_aws_unique_ids: false }, older: ["max_ttl", "period", "policies", "ttl"] },
  cert: { path: "certs/r", least: { certificate }, older: ["bound_cidrs", "max_ttl", "period", "policies", "ttl"] },
  github: { path: "config", least: { organization: "mycompany", organization_id: 1 }, older: ["max_ttl", "ttl"] },
  jwt: { path: "role/r", least: { role_type: "jwt", user_claim: "sub", bound_subject: "x" }, older: ALL_OLDER },
  kubernetes: { path: "role/r", least: { bound_service_account_names: "a", bound_service_account_namespaces: "b" }, older: ALL_OLDER },
  ldap: { path: "config", least: { url: "ldap://127.0.0.1:1" }, older: [] },
  oidc: { path: "role/r", least: { user_claim: "sub", allowed_redirect_uris: "http://localhost:8250/oidc/callback" }, older: ALL_OLDER },
  userpass: { path: "users/r", least: { password: "x" }, older: ["bound_cidrs", "max_ttl", "policies", "ttl"] },
};

const GIVEN = {
  alias_metadata: { team: "red" }, token_bound_cidrs: "10.0.0.0/8,127.0.0.1/32", token_explicit_max_ttl: "3h", token_max_ttl: "2h", token_no_default_policy: true, token_num_uses: 3,
  token_period: "30m", token_policies: "a,b", token_strictly_bind_ip: false, token_ttl: "1h", token_type: "service",
};
const SHOWN = { ...GIVEN, token_bound_cidrs: ["10.0.0.0/8", "127.0.0.1"], token_explicit_max_ttl: 10_800, token_max_ttl: 7200, token_period: 1800, token_policies: ["a", "b"], token_ttl: 3600 };
const OLDER_GIVEN = { bound_cidrs: "10.0.0.0/8", max_ttl: "2h", num_uses: 4, period: "20m", policies: "c", ttl: "1h" };
const OLDER_SHOWN: Readonly<Record<string, unknown>> = { bound_cidrs: ["10.0.0.0/8"], max_ttl: 7200, num_uses: 4, period: 1200, policies: ["c"], ttl: 3600 };

test("no method and no parameter is left out here", () => {
  assert.deepEqual(Object.keys(ROLES), mountableTypes.auth);
  assert.deepEqual(Object.keys(GIVEN).sort(), Object.keys(tokenFields).sort());
  assert.deepEqual(Object.keys(OLDER_GIVEN).sort(), ALL_OLDER.toSorted());
});

for (const [type, { path, least, older }] of Object.entries(ROLES)) {
  async function mounted() {
    const { request, mount, store } = await createHarness();
    await mount(`auth/${type}`, type);
    const write = (body: Readonly<Record<string, unknown>>) => request("POST", `auth/${type}/${path}`, { ...least, ...body });
    const read = async () => (await request("GET", `auth/${type}/${path}`)).body["data"] as Record<string, unknown>;
    return { write, read, store };
  }
  const pick = (data: Readonly<Record<string, unknown>>, names: readonly string[]) => Object.fromEntries(names.map((name) => [name, data[name]]));

  test(`${type}: all parameters are kept, and what is wrong of one changes none`, async () => {
    const { write, read, store } = await mounted();
    assert.ok((await write(GIVEN)).status < 300);
    assert.deepEqual(pick(await read(), Object.keys(SHOWN)), SHOWN);
    const index = store.index();
    for (const wrong of [{ alias_metadata: "team" }, { token_bound_cidrs: "x" }, { token_explicit_max_ttl: -1 }, { token_max_ttl: "10s" }, { token_no_default_policy: "x" }, { token_num_uses: -1 }, { token_period: "x" }, { token_policies: { a: 1 } }, { token_strictly_bind_ip: true }, { token_ttl: "3h" }, { token_type: "batch" }]) {
      assert.equal((await write(wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.equal(store.index(), index);
    assert.deepEqual(pick(await read(), Object.keys(SHOWN)), SHOWN);
  });

  test(`${type}: older names: ${older.join(", ") || "none"}`, async () => {
    const { write, read } = await mounted();
    assert.ok((await write(OLDER_GIVEN)).status < 300);
    const data = await read();
    for (const name of ALL_OLDER) {
      const isKnown = older.includes(name);
      assert.deepEqual(data[name], isKnown ? OLDER_SHOWN[name] : undefined, name);
      if (isKnown) assert.deepEqual(data[`token_${name}`], OLDER_SHOWN[name], name);
    }
  });
}

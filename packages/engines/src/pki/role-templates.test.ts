import assert from "node:assert/strict";
import { test } from "node:test";
import { createPkiWithRoot } from "./testing.js";

/** Ann with metadata of her own, as userpass logs her in; and a token of nobody. */
async function withAnn() {
  const pki = await createPkiWithRoot();
  await pki.mount("auth/people", "userpass");
  await pki.request("POST", "sys/policies/acl/issue", { policy: 'path "pki/*" { capabilities = ["create", "update"] }' });
  await pki.request("POST", "auth/people/users/ann", { password: "secret", token_policies: "issue" });
  const login = async () => (await pki.request("POST", "auth/people/login/ann", { password: "secret" }, { token: "" })).body["auth"];
  const { entity_id: id } = await login();
  const describe = (metadata: Record<string, string>) => pki.request("POST", `identity/entity/id/${id}`, { name: "ann.internal", metadata });
  await describe({ team: "payments" });
  await pki.request("POST", "identity/group", { name: "staff", member_entity_ids: [id], metadata: { site: "berlin" } });
  const { client_token: ann } = await login();
  const nobody = await pki.tokenWith('path "pki/*" { capabilities = ["create", "update"] }');
  const accessor = (await pki.request("GET", "sys/auth")).body["data"]["people/"].accessor as string;
  const status = async (role: string, body: Record<string, unknown>, token: string) => (await pki.request("POST", `pki/issue/${role}`, body, { token })).status;
  return { ...pki, ann: ann as string, nobody, accessor, describe, status };
}

test("a template in allowed_domains is the caller's own, by entity, alias and group; others get nothing of it", async () => {
  const pki = await withAnn();
  const { ann, nobody, accessor, status } = pki;
  const allowed_domains = ["{{identity.entity.name}}", "{{ identity.entity.metadata.team }}.example.com", `{{identity.entity.aliases.${accessor}.name}}.users.example.com`, "{{identity.groups.names.staff.metadata.site}}.example.com", "{{identity.entity.metadata.none}}.example.com", "plain.example.com"];
  await pki.ask("POST", "roles/own", { allowed_domains, allowed_domains_template: true, allow_bare_domains: true, key_type: "ec" });
  for (const name of ["ann.internal", "payments.example.com", "ann.users.example.com", "berlin.example.com", "plain.example.com"]) assert.equal(await status("own", { common_name: name }, ann), 200, name);
  for (const name of ["ben.internal", "sales.example.com", ".example.com", "none.example.com"]) assert.equal(await status("own", { common_name: name }, ann), 400, name);
  for (const name of ["ann.internal", "payments.example.com", "berlin.example.com"]) assert.equal(await status("own", { common_name: name }, nobody), 400, name);
  assert.equal(await status("own", { common_name: "plain.example.com" }, nobody), 200);
  await pki.describe({ team: "sales" });
  assert.deepEqual([await status("own", { common_name: "sales.example.com" }, ann), await status("own", { common_name: "payments.example.com" }, ann)], [200, 400]);
  await pki.ask("PATCH", "roles/own", { allowed_domains_template: false });
  assert.equal(await status("own", { common_name: "ann.internal" }, ann), 400, "its letters are no domain");
});

test("a template in allowed_uri_sans too; what fills one stands for itself, unless the role lets it hold a glob", async () => {
  const pki = await withAnn();
  const { ann, nobody, status } = pki;
  const asked = (uri: string) => ({ common_name: "web.example.com", uri_sans: uri });
  const settings = { allowed_domains: "example.com", allow_subdomains: true, allow_glob_domains: true, key_type: "ec", allowed_uri_sans: ["spiffe://example.com/{{identity.entity.metadata.team}}/*"], allowed_uri_sans_template: true };
  await pki.ask("POST", "roles/spiffe", settings);
  assert.equal(await status("spiffe", asked("spiffe://example.com/payments/web"), ann), 200);
  assert.equal(await status("spiffe", asked("spiffe://example.com/sales/web"), ann), 400);
  assert.equal(await status("spiffe", asked("spiffe://example.com/payments/web"), nobody), 400);
  await pki.describe({ team: "*" });
  assert.equal(await status("spiffe", asked("spiffe://example.com/sales/web"), ann), 400);
  await pki.ask("POST", "roles/spiffe", { ...settings, allow_globs_in_identity_templates: true });
  assert.equal((await pki.data("GET", "roles/spiffe"))["allow_globs_in_identity_templates"], true);
  assert.equal(await status("spiffe", asked("spiffe://example.com/sales/web"), ann), 200);
});

test("a template that does not end is refused when the role is written", async () => {
  const pki = await createPkiWithRoot();
  for (const text of ["{{identity.entity.name", "identity.entity.name}}"]) {
    assert.match(await pki.refusal("roles/x", { allowed_domains: [text], allowed_domains_template: true }), /unbalanced templating characters/);
    assert.match(await pki.refusal("roles/x", { allowed_uri_sans: [text], allowed_uri_sans_template: true }), /unbalanced templating characters/);
  }
  await pki.ask("POST", "roles/x", { allowed_domains: ["{{identity.entity.name"] });
});

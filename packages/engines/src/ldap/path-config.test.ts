import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createAuthority } from "../testing/certificate-authority.js";
import { createHarness } from "../testing/harness.js";
import { commonNameOf, escapeDnValue, parseDn } from "./dn.js";
import { sidText } from "./sid.js";
import { fillTemplate } from "./template.js";

async function withLdap() {
  const harness = await createHarness();
  await harness.mount("auth/ldap", "ldap");
  return harness;
}

test("the configuration shows Vault's defaults, and no secret", async () => {
  const { request } = await withLdap();
  const { data } = (await request("GET", "auth/ldap/config")).body;
  assert.deepEqual(data, {
    anonymous_group_search: false, binddn: "", case_sensitive_names: false, certificate: "", connection_timeout: 30, deny_null_bind: true, dereference_aliases: "never", discoverdn: false, groupattr: "cn", groupdn: "",
    groupfilter: "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))", insecure_tls: false, max_page_size: 0, request_timeout: 90, starttls: false, tls_max_version: "tls12", tls_min_version: "tls12",
    token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 0, token_no_default_policy: false, token_num_uses: 0, token_period: 0, token_policies: [], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 0, token_type: "default",
    upndomain: "", url: "ldap://127.0.0.1", use_pre111_group_cn_behavior: false, use_token_groups: false, userattr: "cn", userdn: "", userfilter: "({{.UserAttr}}={{.Username}})", username_as_alias: false,
    enable_samaccountname_login: false, password_policy: "", rotation_url: "", rotation_schema: "openldap", rotation_period: 0, rotation_schedule: "", rotation_window: 0, disable_automated_rotation: false,
  });
  const { certificate, key } = await createAuthority();
  assert.equal((await request("POST", "auth/ldap/config", { binddn: "cn=x", bindpass: "hush", client_tls_cert: certificate, client_tls_key: key, url: "LDAPS://Directory.example.org" })).status, 204);
  const shown = await request("GET", "auth/ldap/config");
  assert.deepEqual([shown.body["data"].binddn, shown.body["data"].url], ["cn=x", "ldaps://directory.example.org"]);
  assert.ok(!shown.text.includes("hush") && !shown.text.includes("PRIVATE KEY"));
});

test("a configuration that cannot work is refused, and nothing is written", async () => {
  const { request, store } = await withLdap();
  const { certificate } = await createAuthority();
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ url: "http://directory" }, /invalid LDAP url "http:\/\/directory"/],
    [{ url: "ldap://ok,nonsense" }, /invalid LDAP url "nonsense"/],
    [{ url: "" }, /invalid LDAP url/],
    [{ userfilter: "({{.Password}}=x)" }, /invalid userfilter: there is no {{.Password}}/],
    [{ userfilter: "({{if .Username}}x{{end}}=y)" }, /invalid userfilter: only/],
    [{ userfilter: "({{.UserAttr}}={{.Username}}" }, /invalid userfilter: it is not an LDAP filter/],
    [{ groupfilter: "({{.UserAttr}}=x)" }, /invalid groupfilter: there is no {{.UserAttr}}/],
    [{ userattr: "cn)(x" }, /invalid userattr/],
    [{ groupattr: "cn=*" }, /invalid groupattr/],
    [{ certificate: "no certificate" }, /failed to parse server tls cert/],
    [{ client_tls_cert: certificate }, /both client_tls_cert and client_tls_key must be set/],
    [{ client_tls_cert: certificate, client_tls_key: "no key" }, /failed to parse client X509 key pair/],
    [{ tls_min_version: "ssl3" }, /invalid 'tls_min_version'/],
    [{ tls_min_version: "tls13" }, /'tls_max_version' must be greater than or equal/],
    [{ dereference_aliases: "sometimes" }, /invalid dereference_aliases/],
    [{ max_page_size: -1 }, /max_page_size cannot be negative/],
    [{ request_timeout: "-1s" }, /negative/],
    [{ starttls: "perhaps" }, /bool/],
    [{ token_type: "root" }, /invalid 'token_type'/],
  ];
  const before = store.index();
  for (const [body, message] of refused) {
    const { status, body: answer } = await request("POST", "auth/ldap/config", body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(answer.errors![0]!, message);
  }
  assert.equal(store.index(), before);
});

test("users and groups are kept whatever they are called", async () => {
  const { request } = await withLdap();
  for (const name of ["Alice", "a/b", "ü 100%", "x..y"]) {
    assert.equal((await request("POST", `auth/ldap/groups/${name}`, { policies: "B,a,b" })).status, 204, name);
    assert.deepEqual((await request("GET", `auth/ldap/groups/${name.toUpperCase()}`)).body["data"], { policies: ["a", "b"] });
    assert.equal((await request("POST", `auth/ldap/users/${name}`, { groups: ["x ", "x", "Y"], policies: "p" })).status, 204, name);
    assert.deepEqual((await request("GET", `auth/ldap/users/${name}`)).body["data"], { groups: "x,y", policies: ["p"] });
  }
  assert.deepEqual((await request("LIST", "auth/ldap/groups")).body["data"].keys, ["a/b", "alice", "x..y", "ü 100%"]);
  assert.equal(((await request("LIST", "auth/ldap/users")).body["data"].keys as string[]).length, 4);
  assert.equal((await request("DELETE", "auth/ldap/users/ALICE")).status, 204);
  assert.equal((await request("GET", "auth/ldap/users/alice")).status, 404);
  assert.equal((await request("POST", `auth/ldap/users/${"x".repeat(2000)}`, {})).status, 400);
});

test("a value in a DN is read back as it was, and adds nothing to the DN", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), (value) => {
      const parsed = parseDn(`cn=${escapeDnValue(value)},dc=example`);
      const wellFormed = Buffer.from(value).toString();
      assert.deepEqual(parsed, [{ type: "cn", value: wellFormed }, { type: "dc", value: "example" }]);
    }),
  );
});

test("a value in a filter adds nothing to the filter", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      assert.ok(/^\(cn=[^()*\0]*\)$/.test(fillTemplate("(cn={{ .Username }})", { Username: value })));
    }),
  );
});

test("a group is called by its common name", () => {
  assert.equal(commonNameOf("cn=Ops\\, EU,ou=groups", false), "Ops, EU");
  assert.equal(commonNameOf("cn=ops,ou=groups", true), "cn=ops,ou=groups");
  assert.equal(commonNameOf("CN=ops+uid=7,ou=groups", true), "ops");
  assert.equal(commonNameOf("just a name", false), "just a name");
  assert.equal(commonNameOf("ou=groups,dc=x", false), "ou=groups,dc=x");
});

test("a security identifier is shown as Windows shows it", () => {
  assert.equal(sidText(Buffer.from("010500000000000515000000a065cf7e784b9b5fe77c8770091c0100", "hex")), "S-1-5-21-2127521184-1604012920-1887927527-72713");
  assert.equal(sidText(Buffer.from("0105000000000005", "hex")), undefined);
  assert.equal(sidText(Buffer.alloc(0)), undefined);
});

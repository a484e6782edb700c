import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { slapdProgram, startSlapd } from "@coffer/counterparts";
import type { Slapd } from "@coffer/counterparts";
import type { Mount } from "@coffer/state-machine";
import { Attribute, Change, Client } from "ldapts";
import { createAuthority } from "../testing/certificate-authority.js";
import type { TestAuthority } from "../testing/certificate-authority.js";
import { createHarness } from "../testing/harness.js";
import { storedBesideFailures } from "../testing/stored.js";
import { ldap } from "./engine.js";

const person = (ou: string, cn: string, password: string, more = "") => `dn: cn=${cn},ou=${ou},dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: ${cn}\nsn: ${cn}\nuid: ${cn.toLowerCase().replace(/\W/g, "")}\nuserPassword: ${password}\n${more}\n`;
const LDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

${person("people", "Alice", "wonderland", "mail: alice@example.org\n")}
${person("people", "Bob", "builder")}
${person("people", "Twin", "one")}
dn: ou=more,ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: more

${person("more,ou=people", "Twin", "two")}
dn: cn=O'Neil\\, Pat (ops)*,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: O'Neil, Pat (ops)*
sn: O'Neil
userPassword: strange

dn: cn=searcher,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: looking

dn: cn=Engineering,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: Engineering
member: cn=Alice,ou=people,dc=example,dc=org

dn: cn=ops,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: ops
member: cn=O'Neil\\, Pat (ops)*,ou=people,dc=example,dc=org

dn: cn=posix,ou=groups,dc=example,dc=org
objectClass: posixGroup
cn: posix
gidNumber: 7
memberUid: alice
`;
const ADMIN = { dn: "cn=admin,dc=example,dc=org", password: "all-of-it" };
const DATABASE = [`rootdn "${ADMIN.dn}"`, `rootpw ${ADMIN.password}`, "access to attrs=userPassword by anonymous auth by * none", "access to dn.subtree=ou=groups,dc=example,dc=org by users read", "access to * by users read by anonymous auth"];
/** Finds by an account. */
const SEARCHING = { userdn: "ou=people,dc=example,dc=org", groupdn: "ou=groups,dc=example,dc=org", binddn: "cn=searcher,dc=example,dc=org", bindpass: "looking" };

describe("ldap, against a real directory", { skip: slapdProgram() === undefined && "slapd is not installed" }, () => {
  let slapd: Slapd;
  let authority: TestAuthority;
  before(async () => {
    authority = await createAuthority();
    const server = await authority.issue({ subject: "CN=directory", names: [{ type: "ip", value: "127.0.0.1" }, { type: "dns", value: "localhost" }] });
    slapd = await startSlapd({ suffix: "dc=example,dc=org", ldif: LDIF, database: DATABASE, tls: { ca: authority.certificate, certificate: server.certificate, key: server.key } });
  });
  after(() => slapd?.stop());

  async function withDirectory(config: Readonly<Record<string, unknown>> = SEARCHING) {
    const harness = await createHarness();
    const { request } = harness;
    await harness.mount("auth/ldap", "ldap");
    const configure = (more: Readonly<Record<string, unknown>>) => request("POST", "auth/ldap/config", more);
    assert.equal((await configure({ url: slapd.url, ...config })).status, 204);
    const login = (username: string, password: unknown) => request("POST", `auth/ldap/login/${username}`, { password }, { token: "" });
    return { ...harness, configure, login };
  }

  test("a user logs in by a search, with the policies of groups, of the user and of the method", async () => {
    const { request, store, configure, login } = await withDirectory();
    await configure({ token_policies: "everybody", token_ttl: "1h" });
    await request("POST", "auth/ldap/groups/Engineering", { policies: "Dev,deploy" });
    await request("POST", "auth/ldap/groups/local", { policies: "by-hand" });
    await request("POST", "auth/ldap/users/ALICE", { groups: "LOCAL", policies: "own" });
    assert.deepEqual((await request("GET", "auth/ldap/users/alice")).body["data"], { groups: "local", policies: ["own"] });
    const index = store.index();
    const { status, body } = await login("Alice", "wonderland");
    assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body["auth"].policies, body["auth"].metadata, body["auth"].lease_duration], [["by-hand", "default", "deploy", "dev", "everybody", "own"], { username: "alice" }, 3600]);
    assert.equal(body.warnings, null);
    const self = (await request("GET", "auth/token/lookup-self", undefined, { token: body["auth"].client_token as string })).body["data"] as Record<string, unknown>;
    assert.equal(self["display_name"], "ldap-alice");
    assert.ok(!JSON.stringify(self).includes("wonderland"));
  });

  test("without an account the DN is made of the name, and groups are searched by the user", async () => {
    const { request, login } = await withDirectory({ userdn: SEARCHING.userdn, groupdn: SEARCHING.groupdn });
    await request("POST", "auth/ldap/groups/engineering", { policies: "dev" });
    assert.deepEqual((await login("alice", "wonderland")).body["auth"].policies, ["default", "dev"]);
    assert.equal((await login("alice", "builder")).status, 400);
    assert.equal((await login("o'neil, pat (ops)*", "strange")).status, 200);
  });

  test("a name is a value wherever it goes, whatever it is made of", async () => {
    const { request, login } = await withDirectory();
    await request("POST", "auth/ldap/groups/ops", { policies: "ops" });
    await request("POST", "auth/ldap/groups/engineering", { policies: "dev" });
    assert.deepEqual((await login("O'Neil, Pat (ops)*", "strange")).body["auth"].policies, ["default", "ops"]);
    for (const name of ["*", "alice)(cn=*", "a*", "alice)(|(cn=*", "\\61lice", "Alice,ou=people,dc=example,dc=org", "cn=alice", "alice\0", "alice#", "*)(objectClass=*"]) {
      const { status, body } = await login(name, "wonderland");
      assert.equal(status, 400, name);
      assert.deepEqual(body.errors, ["ldap operation failed: failed to bind as user"], name);
    }
    const { login: loginByDn } = await withDirectory({ userdn: SEARCHING.userdn });
    for (const name of ["alice,ou=people,dc=example,dc=org+cn=x", 'x",ou=people', "alice,", "x\\", "bob+cn=alice"]) assert.equal((await loginByDn(name, "wonderland")).status, 400, name);
  });

  test("wrong passwords, unknown and ambiguous users get nobody in, write nothing but the failure, and lock", async () => {
    const { request, login, store } = await withDirectory();
    const before = await storedBesideFailures(store);
    assert.equal((await login("nobody", "x")).status, 400);
    assert.equal((await login("twin", "one")).status, 400);
    assert.deepEqual((await login("alice", "")).body.errors, ["password cannot be of zero length when passwordless binds are being denied"]);
    for (const password of [["wonderland"], { a: "wonderland" }, "wonderlan", "wonderland ", "wonderland\0", "x".repeat(100_000)]) assert.equal((await login("bob", password)).status, 400, JSON.stringify(password).slice(0, 40));
    assert.equal((await login("x".repeat(5000), "y")).status, 400);
    for (const name of ["alice", "ALICE", " alice", "alice ", "Alice"]) assert.equal((await login(name, "wrong")).status, 400);
    assert.equal((await login("alice", "wonderland")).status, 403);
    assert.deepEqual((await request("GET", "sys/locked-users")).body["data"].by_namespace[0].mount_accessors[0].alias_identifiers, ["alice"]);
    assert.deepEqual(await storedBesideFailures(store), before);
  });

  test("an account that cannot search locks nobody", async () => {
    const { request, login } = await withDirectory({ ...SEARCHING, bindpass: "wrong" });
    for (let i = 0; i < 6; i++) assert.deepEqual((await login("alice", "wonderland")).body.errors, ["ldap operation failed: failed to bind as user"]);
    assert.equal((await request("GET", "sys/locked-users")).body["data"].total, 0);
  });

  test("the connection is encrypted where it is to be, and trusts the CA that it is told", async () => {
    const { configure, login } = await withDirectory({ ...SEARCHING, starttls: true });
    assert.match((await login("alice", "wonderland")).body.errors![0]!, /error connecting to host .*certificate/);
    assert.equal((await configure({ certificate: authority.certificate })).status, 204);
    assert.equal((await login("alice", "wonderland")).status, 200);
    await configure({ url: slapd.secureUrl, tls_max_version: "tls13" });
    assert.equal((await login("alice", "wonderland")).status, 200);
    await configure({ url: slapd.secureUrl.replace("127.0.0.1", "localhost") });
    assert.equal((await login("alice", "wonderland")).status, 200);
    const stranger = await createAuthority();
    await configure({ certificate: stranger.certificate });
    assert.equal((await login("alice", "wonderland")).status, 400);
    await configure({ insecure_tls: true });
    assert.equal((await login("alice", "wonderland")).status, 200);
    await configure({ url: slapd.url, insecure_tls: false, starttls: true });
    assert.equal((await login("alice", "wonderland")).status, 400);
  });

  test("of several servers the first that answers is asked", async () => {
    const { configure, login } = await withDirectory({ ...SEARCHING, url: `ldap://127.0.0.1:1, ${slapd.url}` });
    assert.equal((await login("alice", "wonderland")).status, 200);
    await configure({ url: "ldap://127.0.0.1:1,ldaps://127.0.0.1:1" });
    assert.match((await login("alice", "wonderland")).body.errors![0]!, /error connecting to host "ldap:\/\/127.0.0.1:1".*error connecting to host "ldaps:\/\/127.0.0.1:1"/);
  });

  test("groups are named by an attribute of choice, found by a filter of choice, in pages where that is asked", async () => {
    const { request, configure, login } = await withDirectory({ ...SEARCHING, groupfilter: "(&(objectClass=posixGroup)(memberUid={{.Username}}))" });
    await request("POST", "auth/ldap/groups/posix", { policies: "posix" });
    assert.deepEqual((await login("alice", "wonderland")).body["auth"].policies, ["default", "posix"]);
    await configure({ groupfilter: "(member={{.UserDN}})", max_page_size: 1 });
    await request("POST", "auth/ldap/groups/engineering", { policies: "dev" });
    assert.deepEqual((await login("alice", "wonderland")).body["auth"].policies, ["default", "dev"]);
    await configure({ groupdn: "" });
    const { body } = await login("alice", "wonderland");
    assert.deepEqual([body["auth"].policies, body.warnings], [["default"], ['no LDAP groups found in groupDN ""; only policies from locally-defined groups available']]);
  });

  test("case counts where it is told to", async () => {
    const { request, configure, login } = await withDirectory();
    await configure({ case_sensitive_names: true });
    await request("POST", "auth/ldap/groups/engineering", { policies: "lower" });
    await request("POST", "auth/ldap/groups/Engineering", { policies: "upper" });
    assert.deepEqual((await login("Alice", "wonderland")).body["auth"].policies, ["default", "upper"]);
    assert.equal((await login("Alice", "wonderland")).body["auth"].metadata.username, "Alice");
  });

  test("users are found by a filter of choice", async () => {
    const { configure, login } = await withDirectory({ ...SEARCHING, userattr: "uid", userfilter: "(|({{.UserAttr}}={{.Username}})(mail={{.Username}}))" });
    assert.equal((await login("alice@example.org", "wonderland")).status, 200);
    assert.equal((await login("alice", "wonderland")).status, 200);
    const warned = await configure({ userfilter: "(mail={{.Username}})" });
    assert.match(warned.body.warnings![0]!, /userfilter configured does not consider userattr/);
    assert.equal((await login("alice@example.org", "wonderland")).status, 200);
    assert.equal((await login("alice", "wonderland")).status, 400);
  });

  test("a token is renewed while the directory says the same", async () => {
    const { request, store } = await withDirectory();
    await request("POST", "auth/ldap/groups/engineering", { policies: "dev" });
    const uuid = (await request("GET", "sys/auth/ldap")).body["uuid"] as string;
    const renew = async (login: Readonly<Record<string, unknown>>) => void (await store.evaluate((tx) => ldap.renewLogin!(login, tx.scoped(`logical/${uuid}/`), {} as Mount, { clientCertificate: undefined, remoteAddress: "" }) as Promise<void>));
    await renew({ username: "alice", password: "wonderland", policies: ["dev"] });
    await assert.rejects(renew({ username: "alice", password: "changed", policies: ["dev"] }), /failed to bind as user/);
    await request("POST", "auth/ldap/groups/engineering", { policies: "ops" });
    await assert.rejects(renew({ username: "alice", password: "wonderland", policies: ["dev"] }), /policies have changed/);
  });

  test("who is not there is asked about as often as who has another password", async () => {
    const { configure, login } = await withDirectory();
    let asked = 0;
    const proxy = createServer((client) => {
      const directory = connect(Number(new URL(slapd.url).port), "127.0.0.1");
      client.on("data", () => asked++).pipe(directory).pipe(client);
      for (const socket of [client, directory]) socket.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      await configure({ url: `ldap://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
      const questions = async (name: string) => {
        const before = asked;
        assert.deepEqual((await login(name, "wrong")).body.errors, ["ldap operation failed: failed to bind as user"]);
        return asked - before;
      };
      const wrong = await questions("alice");
      assert.ok(wrong > 0);
      assert.equal(await questions("nobody"), wrong);
    } finally {
      proxy.close();
    }
  });

  test("what a search of the directory fails by is told", async () => {
    const { configure, login } = await withDirectory();
    await configure({ groupdn: "ou=nowhere,dc=example,dc=org" });
    assert.deepEqual((await login("alice", "wonderland")).body.errors, ['LDAP search failed: LDAP Result Code 32 "No Such Object"']);
  });

  test("a renewal ends when the user leaves a group that gives policies, has another password, or is gone", async () => {
    const { request, login } = await withDirectory();
    await request("POST", "auth/ldap/groups/shift", { policies: "night" });
    const [carol, shift] = ["cn=Carol,ou=people,dc=example,dc=org", "cn=shift,ou=groups,dc=example,dc=org"];
    const client = new Client({ url: slapd.url });
    const replace = (dn: string, type: string, value: string) => client.modify(dn, new Change({ operation: "replace", modification: new Attribute({ type, values: [value] }) }));
    await client.bind(ADMIN.dn, ADMIN.password);
    try {
      await client.add(carol, { objectClass: "inetOrgPerson", cn: "Carol", sn: "Carol", userPassword: "first" });
      await client.add(shift, { objectClass: "groupOfNames", cn: "shift", member: carol });
      const { client_token: token, policies } = (await login("carol", "first")).body["auth"];
      assert.deepEqual(policies, ["default", "night"]);
      const refusal = async () => (await request("POST", "auth/token/renew-self", {}, { token: token as string })).body.errors?.[0];
      assert.equal(await refusal(), undefined);
      await replace(shift, "member", ADMIN.dn);
      assert.equal(await refusal(), "policies have changed, not renewing");
      await replace(shift, "member", carol);
      assert.equal(await refusal(), undefined);
      await replace(carol, "userPassword", "second");
      assert.equal(await refusal(), "ldap operation failed: failed to bind as user");
      await replace(carol, "userPassword", "first");
      assert.equal(await refusal(), undefined);
      await client.del(carol);
      assert.equal(await refusal(), "ldap operation failed: failed to bind as user");
    } finally {
      await client.unbind();
    }
  });

  test("a renewal goes by what the directory and the configuration say now", async () => {
    const { request, login } = await withDirectory();
    const accessor = (await request("GET", "sys/auth/ldap")).body["accessor"] as string;
    const { client_token: token, entity_id } = (await login("alice", "wonderland")).body["auth"];
    const renew = () => request("POST", "auth/token/renew-self", {}, { token: token as string });
    const groups = async () => (await request("GET", `identity/entity/id/${entity_id as string}`)).body["data"].group_ids as string[];
    const { id } = (await request("POST", "identity/group", { name: "eng", type: "external" })).body["data"];
    await request("POST", "identity/group-alias", { name: "Engineering", mount_accessor: accessor, canonical_id: id });
    assert.deepEqual(await groups(), []);
    await request("POST", "auth/ldap/config", { token_ttl: "10m" });
    assert.equal((await renew()).body["auth"].lease_duration, 600);
    assert.deepEqual(await groups(), [id]);
    await request("POST", "auth/ldap/config", { token_policies: "more" });
    assert.match((await renew()).body.errors![0]!, /policies have changed/);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { slapdProgram, startSlapd } from "@coffer/counterparts";
import type { Slapd } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";

const BASE = "dc=example,dc=org";
/** Of Active Directory's schema, which OpenLDAP does not come with. */
const text = (oid: string, name: string) => `attributetype ( ${oid} NAME '${name}' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )`;
const SCHEMA = [text("1.2.840.113556.1.4.656", "userPrincipalName"), text("1.2.840.113556.1.4.221", "sAMAccountName")];
const person = (cn: string, principal: string, account: string) => `dn: cn=${cn},${BASE}\nobjectClass: person\nobjectClass: extensibleObject\ncn: ${cn}\nsn: ${cn}\nuserPrincipalName: ${principal}\nsAMAccountName: ${account}\nuserPassword: of-${account}\n`;
const LDIF = `dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

${person("Ann Lee", "ann.lee@example.org", "alee")}
${person("Bob Ray", "bob@example.org", "bray")}
${person("Robert Ray", "rray@example.org", "bob")}
dn: cn=searcher,${BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: looking

dn: cn=staff,${BASE}
objectClass: groupOfNames
cn: staff
member: cn=Ann Lee,${BASE}
`;
const CONFIG = { userdn: BASE, groupdn: BASE, binddn: `cn=searcher,${BASE}`, bindpass: "looking", userattr: "sAMAccountName", upndomain: "example.org" };

describe("names as Active Directory has them", { skip: slapdProgram() === undefined && "slapd is not installed" }, () => {
  let slapd: Slapd;
  before(async () => {
    slapd = await startSlapd({ suffix: BASE, ldif: LDIF, global: SCHEMA });
  });
  after(() => slapd?.stop());

  test("users are found by their principal's name, and by that of their account where that is to do", async () => {
    const { request, mount } = await createHarness();
    await mount("auth/ldap", "ldap");
    const configure = async (more: object) => assert.equal((await request("POST", "auth/ldap/config", { url: slapd.url, ...CONFIG, ...more })).status, 204);
    await request("POST", "auth/ldap/groups/staff", { policies: "work" });
    const login = async (name: string, password: string) => {
      const { status, body } = await request("POST", `auth/ldap/login/${encodeURIComponent(name)}`, { password }, { token: "" });
      return status === 200 ? (body["auth"].policies as string[]).join() : status;
    };
    await configure({});
    assert.equal(await login("ann.lee", "of-alee"), "default,work");
    assert.equal(await login("alee", "of-alee"), 400);
    assert.equal(await login("bob", "of-bray"), "default");
    await configure({ enable_samaccountname_login: true });
    assert.equal(await login("ann.lee", "of-alee"), "default,work");
    assert.equal(await login("alee", "of-alee"), "default,work");
    assert.equal(await login("alee", "of-bray"), 400);
    // One name that two accounts have lets neither in.
    assert.deepEqual([await login("bob", "of-bray"), await login("bob", "of-bob")], [400, 400]);
    for (const name of ["*", "a*", "x)(sAMAccountName=alee", "alee)(cn=*"]) assert.equal(await login(name, "of-alee"), 400, name);
  });
});

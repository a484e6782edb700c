import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { slapdProgram, startSlapd } from "@coffer/counterparts";
import type { Slapd } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import { dieBeforeWriting } from "../testing/postgres-fixture.js";

const BASE = "dc=example,dc=org";
const account = (name: string) => `dn: cn=${name},${BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: ${name}\nuserPassword: first\n`;
const LDIF = `dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=Alice,${BASE}
objectClass: person
cn: Alice
sn: Alice
userPassword: wonderland

${["plain", "timed", "mortal", "stubborn"].map(account).join("\n")}`;
/** All but one may change their own password. */
const ACCESS = [`access to dn.exact="cn=stubborn,${BASE}" attrs=userPassword by anonymous auth by * none`, "access to attrs=userPassword by self write by anonymous auth by * none", "access to * by users read by anonymous auth"];

describe("the password of the account that searches, at a real directory", { skip: slapdProgram() === undefined && "slapd is not installed" }, () => {
  let slapd: Slapd;
  before(async () => {
    slapd = await startSlapd({ suffix: BASE, ldif: LDIF, database: ACCESS });
  });
  after(() => slapd?.stop());

  async function searchingAs(name: string) {
    const harness = await createHarness();
    const { request } = harness;
    await harness.mount("auth/ldap", "ldap");
    const configure = (more: Readonly<Record<string, unknown>>) => request("POST", "auth/ldap/config", more);
    assert.equal((await configure({ url: slapd.url, userdn: BASE, binddn: `cn=${name},${BASE}`, bindpass: "first" })).status, 204);
    const logsIn = async () => (await request("POST", "auth/ldap/login/alice", { password: "wonderland" }, { token: "" })).status === 200;
    /** Whether the account still has its first password. */
    const isFirst = async () => {
      const { isTaken } = await import("./bind-password.js");
      const { completed, defaultConfig } = await import("./config.js");
      const { settings } = completed(defaultConfig());
      return isTaken({ ...settings, url: slapd.url, binddn: `cn=${name},${BASE}` }, "first");
    };
    return { ...harness, configure, logsIn, isFirst };
  }

  test("it is changed when asked, by the rules of a policy, and nobody is told", async () => {
    const { request, configure, logsIn, isFirst } = await searchingAs("plain");
    assert.equal(await logsIn(), true);
    assert.match((await configure({ password_policy: "none" }), await request("POST", "auth/ldap/config/rotate-root")).body.errors![0]!, /none/);
    assert.equal(await isFirst(), true);
    await request("POST", "sys/policies/password/long", { policy: 'length = 30\nrule "charset" { charset = "abc" }' });
    await configure({ password_policy: "long", rotation_url: slapd.url });
    const { status, text } = await request("POST", "auth/ldap/config/rotate-root");
    assert.deepEqual([status, text], [204, ""]);
    assert.deepEqual([await isFirst(), await logsIn()], [false, true]);
    assert.equal((await request("POST", "auth/ldap/config/rotate-root")).status, 204);
    assert.equal(await logsIn(), true);
    assert.ok(!/bindpass/.test((await request("GET", "auth/ldap/config")).text));
  });

  test("it is changed by itself, by schedule or period, until that is turned off", async () => {
    const { request, configure, logsIn, isFirst, clock, doDueWork } = await searchingAs("timed");
    assert.equal((await configure({ rotation_schedule: "0 * * * *", rotation_window: 3600 })).status, 204);
    const { rotation_schedule, rotation_window, rotation_period, disable_automated_rotation } = (await request("GET", "auth/ldap/config")).body["data"];
    assert.deepEqual([rotation_schedule, rotation_window, rotation_period, disable_automated_rotation], ["0 * * * *", 3600, 0, false]);
    await doDueWork();
    assert.equal(await isFirst(), true);
    clock.advance(3600);
    await doDueWork();
    assert.deepEqual([await isFirst(), await logsIn()], [false, true]);
    await configure({ rotation_period: 60, disable_automated_rotation: true });
    clock.advance(3600);
    await doDueWork();
    assert.equal(await logsIn(), true);
  });

  test("what the directory refuses changes nothing, is told, and is tried again", async () => {
    const { request, configure, logsIn, clock, doDueWork, logged } = await searchingAs("stubborn");
    const { status, body } = await request("POST", "auth/ldap/config/rotate-root");
    assert.deepEqual([status, body.errors], [400, ["unable to change the password of the binddn: LDAP Result Code 50 InsufficientAccess"]]);
    assert.equal(await logsIn(), true);
    await configure({ rotation_period: 60 });
    clock.advance(60);
    await doDueWork();
    assert.equal(logged.length, 1);
    assert.match((await request("GET", "auth/ldap/config")).body.warnings!.join(), /rotate the password of the account that searches failed.*InsufficientAccess/);
    assert.equal(await logsIn(), true);
  });

  test("a change that dies before it is stored is undone", async () => {
    const harness = await searchingAs("mortal");
    const { configure, logsIn, isFirst, clock, doDueWork } = harness;
    await configure({ rotation_period: "1h" });
    clock.advance(3600);
    const { dead, revive } = dieBeforeWriting(harness, "/config");
    void doDueWork();
    await dead;
    revive();
    assert.deepEqual([await isFirst(), await logsIn()], [false, false]);
    for (let i = 0; i < 3; i++) {
      clock.advance(61);
      await doDueWork();
    }
    assert.equal(await logsIn(), true);
  });

  test("without an account there is nothing to rotate, and what is not served is refused", async () => {
    const { request, mount } = await createHarness();
    await mount("auth/ldap", "ldap");
    assert.match((await request("POST", "auth/ldap/config/rotate-root")).body.errors![0]!, /no root to rotate/);
    for (const wrong of [{ rotation_period: 60 }, { rotation_schema: "ad" }, { rotation_url: "http://x" }, { binddn: "cn=x", bindpass: "y", rotation_period: 9 }]) {
      assert.equal((await request("POST", "auth/ldap/config", wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await request("GET", "auth/ldap/config")).body["data"].binddn, "");
  });
});

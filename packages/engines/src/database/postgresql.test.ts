import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresProgram } from "@coffer/counterparts";
import { CREATE, dieBeforeCommit, intents, postgresFixture } from "../testing/postgres-fixture.js";
import type { PostgresFixture } from "../testing/postgres-fixture.js";

describe("users of PostgreSQL", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let db: PostgresFixture;
  before(async () => {
    db = await postgresFixture();
  });
  after(() => db.stop());

  test("credentials log in until their lease ends", async () => {
    const { creds, clock, doDueWork, close } = await db.service();
    const { username, password, ttl } = await creds();
    assert.match(username, /^v-root-app\d+-[A-Za-z0-9]{20}-\d+$/);
    assert.match(password, /^[A-Za-z0-9-]{20}$/);
    assert.equal(ttl, 3600);
    assert.equal(await db.logsIn(username, password), true);
    clock.advance(3599);
    await doDueWork();
    assert.deepEqual(await db.rolesLike(username), [username]);
    clock.advance(1);
    await doDueWork();
    assert.deepEqual(await db.rolesLike(username), []);
    await close();
  });

  test("credentials end when their lease is revoked, also with statements, and when the role is gone", async () => {
    const revocation = ["REASSIGN OWNED BY \"{{name}}\" TO postgres; DROP OWNED BY \"{{name}}\"", "DROP ROLE \"{{name}}\""];
    for (const statements of [[], revocation]) {
      const { users, app, creds, request, close } = await db.service({}, { revocation_statements: statements });
      const [one, two] = [await creds(), await creds()];
      assert.equal((await request("POST", "sys/leases/revoke", { lease_id: one.lease, sync: true })).status, 204);
      assert.equal(await db.logsIn(one.username, one.password), false);
      assert.equal(await db.logsIn(two.username, two.password), true);
      assert.equal((await request("DELETE", `database/roles/${app}`)).status, 204);
      assert.equal((await request("POST", "sys/leases/revoke", { lease_id: two.lease, sync: true })).status, 204);
      assert.deepEqual(await users(), []);
      await close();
    }
  });

  test("a user that somebody else has dropped is no trouble for its revocation", async () => {
    const { creds, request, close } = await db.service({}, { revocation_statements: "REVOKE ALL ON things FROM \"{{name}}\"; DROP ROLE \"{{name}}\"" });
    const { username, lease } = await creds();
    await db.run(`DROP OWNED BY "${username}"; DROP ROLE "${username}"`);
    assert.equal((await request("POST", "sys/leases/revoke", { lease_id: lease, sync: true })).status, 204);
    await close();
  });

  test("renewing a lease moves VALID UNTIL, at most to the role's maximum", async () => {
    const { app, creds, request, clock, close } = await db.service();
    const { username, lease } = await creds();
    const until = async () => Math.round((await db.roleOf(username)).rolvaliduntil.getTime() / 1000 - Math.floor(clock.now() / 1000));
    assert.ok(Math.abs((await until()) - 3605) <= 1);
    clock.advance(600);
    assert.equal((await request("POST", "sys/leases/renew", { lease_id: lease, increment: "2h" })).body["lease_duration"], 7200);
    assert.ok(Math.abs((await until()) - 7205) <= 1);
    const clipped = await request("POST", "sys/leases/renew", { lease_id: lease, increment: "48h" });
    assert.equal(clipped.body["lease_duration"], 24 * 3600 - 600);
    assert.deepEqual(clipped.body.warnings, ['TTL of "48h" exceeded the effective max_ttl of "23h50m"; TTL value is capped accordingly']);
    await request("POST", `database/roles/${app}`, { default_ttl: "48h" });
    assert.deepEqual((await request("GET", `database/creds/${app}`)).body.warnings, ['TTL of "48h" exceeded the effective max_ttl of "24h"; TTL value is capped accordingly']);
    assert.ok(Math.abs((await until()) - (24 * 3600 - 595)) <= 1);
    await request("DELETE", `database/roles/${app}`);
    const { status, body } = await request("POST", "sys/leases/renew", { lease_id: lease });
    assert.deepEqual([status, body.errors], [400, [`error during renew: could not find role with name "${app}"`]]);
    await close();
  });

  test("renew statements of a role are used", async () => {
    const { creds, request, close } = await db.service({}, { renew_statements: `ALTER ROLE "{{name}}" VALID UNTIL '2037-01-01'` });
    const { username, lease } = await creds();
    assert.equal((await request("POST", "sys/leases/renew", { lease_id: lease })).status, 200);
    assert.equal((await db.roleOf(username)).rolvaliduntil.getUTCFullYear(), 2037);
    await close();
  });

  test("with scram-sha-256 the server sees no password in statements, and takes it all the same", async () => {
    const { creds, close } = await db.service({ password_authentication: "scram-sha-256", username_template: "app_{{ random 12 | lowercase }}" });
    const { username, password } = await creds();
    assert.match(username, /^app_[a-z0-9]{12}$/);
    assert.match((await db.roleOf(username)).rolpassword, /^SCRAM-SHA-256\$4096:/);
    assert.equal(await db.logsIn(username, password), true);
    await close();
  });

  test("passwords follow the role's policy, and else the connection's", async () => {
    const { app, creds, request, close } = await db.service({ password_policy: "digits" });
    const missing = await request("GET", `database/creds/${app}`);
    assert.deepEqual([missing.status, missing.body.errors], [400, ['failed to generate password: no password policy found with name "digits"']]);
    const policy = (charset: string) => ({ policy: `length = 30\nrule "charset" {\n  charset = "${charset}"\n}\n` });
    await request("POST", "sys/policies/password/digits", policy("0123456789"));
    await request("POST", "sys/policies/password/letters", policy("abc"));
    assert.match((await creds()).password, /^\d{30}$/);
    await request("POST", `database/roles/${app}`, { credential_config: { password_policy: "letters" } });
    assert.match((await creds()).password, /^[abc]{30}$/);
    await close();
  });

  test("statements that fail leave no user and tell no secret", async () => {
    const one = await db.service({}, { creation_statements: [CREATE[0]!, "GRANT SELECT ON nowhere TO \"{{name}}\""] });
    const { users, app, request, doDueWork, close, root } = one;
    const { status, body } = await request("GET", `database/creds/${app}`);
    assert.deepEqual([status, body.errors], [500, ['relation "nowhere" does not exist']]);
    assert.deepEqual(await users(), []);
    await doDueWork();
    assert.equal(await intents(one), 0);
    const broken = await request("POST", "database/config/pg", { password: "sesame-wrong" });
    assert.equal(broken.status, 400);
    assert.match(broken.body.errors![0]!, new RegExp(`^error creating database object: error verifying connection: password authentication failed for user "${root}"$`));
    await close();
  });

  test("rollback statements undo what failed, and those of the revocation are left alone", async () => {
    await db.run("CREATE TABLE undone (name text, how text)");
    const note = (how: string) => `INSERT INTO undone VALUES ('{{name}}', '${how}')`;
    const one = await db.service({}, { creation_statements: [CREATE[0]!, "GRANT SELECT ON nowhere TO \"{{name}}\""], rollback_statements: [note("rollback")], revocation_statements: [note("revocation")] });
    const { users, app, request, doDueWork, close } = one;
    assert.equal((await request("GET", `database/creds/${app}`)).status, 500);
    await doDueWork();
    assert.deepEqual(await db.server.query("SELECT how FROM undone"), ["rollback"]);
    assert.match((await db.server.query("SELECT name FROM undone"))[0]!, new RegExp(`^v-root-${app}-`));
    assert.deepEqual(await users(), []);
    assert.equal(await intents(one), 0);
    await close();
  });

  test("a crash after the user was made leaves no user", async () => {
    const one = await db.service();
    const { request, app, users, clock, doDueWork, close } = one;
    const { dead, revive } = dieBeforeCommit(one);
    void request("GET", `database/creds/${app}`);
    await dead;
    revive();
    assert.deepEqual([(await users()).length, await intents(one)], [1, 1]);
    clock.advance(599);
    await doDueWork();
    assert.equal((await users()).length, 1);
    clock.advance(1);
    await doDueWork();
    assert.deepEqual([(await users()).length, await intents(one)], [0, 0]);
    await close();
  });

  test("a database that is down while its users are revoked loses none of them", async () => {
    const { app, creds, request, clock, doDueWork, close } = await db.service();
    const { username, password } = await creds();
    await db.halt();
    clock.advance(3600);
    await assert.rejects(doDueWork(), /revoking a lease below database\/creds\/app\d+, attempt 1/);
    const { status, body } = await request("GET", `database/creds/${app}`);
    assert.equal(status, 500);
    assert.match(body.errors![0]!, /ECONNREFUSED/);
    await db.start();
    assert.deepEqual(await db.rolesLike(username), [username]);
    clock.advance(20);
    await doDueWork();
    assert.equal(await db.logsIn(username, password), false);
    assert.deepEqual(await db.rolesLike(username), []);
    await close();
  });

  test("many at once get a user each, and all of them are removed", async () => {
    const { users, app, creds, request, doDueWork, close } = await db.service();
    const all = await Promise.all(Array.from({ length: 12 }, () => creds()));
    assert.equal(new Set(all.map(({ username }) => username)).size, 12);
    assert.equal((await users()).length, 12);
    assert.equal((await request("POST", `sys/leases/revoke-prefix/database/creds/${app}`)).status, 204);
    await doDueWork();
    assert.deepEqual(await users(), []);
    await close();
  });

  test("a function's body goes to the server whole", async () => {
    const body = `DO $$ BEGIN EXECUTE 'CREATE ROLE "{{name}}" LOGIN PASSWORD ''{{password}}'''; GRANT SELECT ON things TO "{{name}}"; END $$`;
    const { creds, close } = await db.service({}, { creation_statements: [Buffer.from(body).toString("base64")] });
    const { username, password } = await creds();
    assert.equal(await db.logsIn(username, password), true);
    await close();
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresProgram } from "@coffer/counterparts";
import { dieBeforeWriting, FIRST_PASSWORD, intents, postgresFixture } from "../testing/postgres-fixture.js";
import type { PostgresFixture } from "../testing/postgres-fixture.js";

const NONE = { rotation_period: 0, rotation_schedule: "", rotation_window: 0, disable_automated_rotation: false };

describe("the connection's own password, changed by itself", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let db: PostgresFixture;
  before(async () => {
    db = await postgresFixture();
  });
  after(() => db.stop());

  type Service = Awaited<ReturnType<PostgresFixture["service"]>>;
  const config = async ({ request }: Service) => (await request("GET", "database/config/pg")).body;
  const rhythm = async (one: Service) => {
    const { rotation_period, rotation_schedule, rotation_window, disable_automated_rotation } = (await config(one))["data"];
    return { rotation_period, rotation_schedule, rotation_window, disable_automated_rotation };
  };
  /** A login of its own, so that only a password that works opens a connection. */
  const works = async ({ request, creds }: Service) => {
    assert.equal((await request("POST", "database/reset/pg")).status, 204);
    const { username, password } = await creds();
    return db.logsIn(username, password);
  };

  test("by a period, which a change by hand counts from as well", async () => {
    const one = await db.service();
    assert.deepEqual(await rhythm(one), NONE);
    assert.equal((await one.request("POST", "database/config/pg", { rotation_period: "1h" })).status, 204);
    assert.deepEqual(await rhythm(one), { ...NONE, rotation_period: 3600 });
    one.clock.advance(3599);
    await one.doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), true);
    // What says nothing of it does not make it start over.
    assert.equal((await one.request("POST", "database/config/pg", { max_open_connections: 2 })).status, 204);
    one.clock.advance(1);
    await one.doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), false);
    assert.equal(await works(one), true);
    one.clock.advance(1800);
    assert.equal((await one.request("POST", "database/rotate-root/pg")).status, 204);
    const { rolpassword } = await db.roleOf(one.root);
    one.clock.advance(1801);
    await one.doDueWork();
    assert.equal((await db.roleOf(one.root)).rolpassword, rolpassword);
    one.clock.advance(1799);
    await one.doDueWork();
    assert.notEqual((await db.roleOf(one.root)).rolpassword, rolpassword);
    assert.equal(await works(one), true);
    assert.equal(await intents(one), 0);
    assert.equal((await one.request("POST", "sys/leases/revoke-prefix/database/creds")).status, 204);
    await one.doDueWork();
    await one.close();
    one.clock.advance(7200);
    await one.doDueWork();
    assert.deepEqual(one.logged, []);
  });

  test("by a schedule, unless its window was missed", async () => {
    const one = await db.service();
    const { clock, doDueWork } = one;
    const midnight = new Date(clock.now()).setUTCHours(24, 0, 0, 0);
    clock.advance((midnight - clock.now()) / 1000 + 60);
    await one.request("POST", "database/config/pg", { rotation_schedule: "0 3 * * *", rotation_window: "1h" });
    assert.deepEqual(await rhythm(one), { ...NONE, rotation_schedule: "0 3 * * *", rotation_window: 3600 });
    clock.advance(5 * 3600);
    await doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), true);
    assert.deepEqual(one.logged, [{ mount: "database/", level: "warn", message: "the rotation of the root credential missed its window and waits for the next time", fields: { connection: "pg" } }]);
    clock.advance(22 * 3600);
    await doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), false);
    assert.equal(await works(one), true);
    await one.close();
  });

  test("not while it is disabled, and anew from when it is not", async () => {
    const one = await db.service();
    await one.request("POST", "database/config/pg", { rotation_period: 60, disable_automated_rotation: true });
    one.clock.advance(3600);
    await one.doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), true);
    await one.request("POST", "database/config/pg", { disable_automated_rotation: false });
    await one.doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), true);
    // A schedule takes the place of the period, and the other way round; an empty one ends it.
    await one.request("POST", "database/config/pg", { rotation_schedule: "* * * * *" });
    assert.deepEqual(await rhythm(one), { ...NONE, rotation_schedule: "* * * * *" });
    await one.request("POST", "database/config/pg", { rotation_period: 60 });
    assert.deepEqual(await rhythm(one), { ...NONE, rotation_period: 60 });
    await one.request("POST", "database/config/pg", { rotation_period: 0 });
    one.clock.advance(3600);
    await one.doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), true);
    await one.close();
  });

  test("a rotation that fails is repeated, later each time, and says so", async () => {
    const one = await db.service();
    const { request, clock, doDueWork, logged } = one;
    await request("POST", "database/config/pg", { rotation_period: 60, root_rotation_statements: ["ALTER ROLE nobody WITH PASSWORD '{{password}}'"] });
    clock.advance(60);
    await doDueWork();
    for (const [seconds, failures] of [[9, 1], [1, 2], [19, 2], [1, 3]] as const) {
      clock.advance(seconds);
      await doDueWork();
      assert.equal(logged.length, failures, `${seconds}`);
    }
    assert.deepEqual(logged.at(-1)!.fields, { connection: "pg", failures: 3, reason: 'role "nobody" does not exist' });
    assert.match((await config(one)).warnings![0]!, /failed, and is repeated: role "nobody" does not exist/);
    await request("POST", "database/config/pg", { root_rotation_statements: [] });
    await request("POST", "database/config/pg", { root_rotation_statements: ["ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}'"] });
    clock.advance(40);
    await doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), false);
    assert.equal((await config(one)).warnings, null);
    assert.equal(await works(one), true);
    await one.close();
  });

  test("one that dies between the database and the store loses no password, and comes later", async () => {
    const one = await db.service();
    const { clock, doDueWork } = one;
    await one.request("POST", "database/config/pg", { rotation_period: 60 });
    clock.advance(60);
    const { dead, revive } = dieBeforeWriting(one, "/config/pg");
    void doDueWork();
    await dead;
    revive();
    // The database has a password that nothing but the intent knows.
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), false);
    clock.advance(60);
    await doDueWork();
    // The rotation was tried in vain meanwhile, and waits for its next try.
    clock.advance(10);
    await doDueWork();
    assert.equal(await db.logsIn(one.root, FIRST_PASSWORD), false);
    assert.equal(await works(one), true);
    assert.equal(await intents(one), 0);
    await one.close();
  });

  test("what cannot be is refused, and nothing is changed", async () => {
    const one = await db.service();
    const before = (await config(one))["data"];
    for (const [body, words] of [
      [{ rotation_period: 9 }, /rotation_period must be 10 seconds or more/],
      [{ rotation_period: 60, rotation_schedule: "* * * * *" }, /mutually exclusive/],
      [{ rotation_period: 60, rotation_window: 3600 }, /rotation_window does not apply to period/],
      [{ rotation_window: 3600 }, /cannot use rotation_window without rotation_schedule/],
      [{ rotation_schedule: "* * * * *", rotation_window: 3599 }, /rotation_window must be 3600 seconds or more/],
      [{ rotation_schedule: "often" }, /could not parse rotation_schedule/],
      [{ rotation_schedule: "0 0 30 2 *" }, /it never comes/],
      [{ rotation_period: -1 }, /negative/],
      [{ rotation_period: 60, username: "", verify_connection: false }, /no username in configuration/],
    ] as const) {
      const { status, text, body: answer } = await one.request("POST", "database/config/pg", body);
      assert.equal(status, 400, text);
      assert.match(answer.errors![0]!, words);
      assert.deepEqual((await config(one))["data"], before);
    }
    await one.close();
  });
});

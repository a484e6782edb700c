import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { nextRotation, rhythmFrom } from "../rotation/rhythm.js";

/** What needs no database: nothing is connected to with verify_connection=false. */
async function service() {
  const harness = await createHarness();
  await harness.mount("database", "database");
  const { request } = harness;
  const config = { plugin_name: "postgresql-database-plugin", connection_url: "postgresql://{{username}}:{{password}}@127.0.0.1:1/d", username: "root", password: "sesame", verify_connection: false };
  const refusal = async (path: string, body: Record<string, unknown>) => {
    const before = harness.store.index();
    const answer = await request("POST", `database/${path}`, body);
    assert.equal(harness.store.index(), before, "something was written");
    return [answer.status, answer.body.errors?.[0]] as const;
  };
  return { ...harness, config, refusal };
}

test("a connection is read without its secrets, and an update changes what it names", async () => {
  const { request, config } = await service();
  assert.equal((await request("LIST", "database/config")).status, 404);
  assert.equal((await request("POST", "database/config/pg", { ...config, private_key: "key", tls_certificate: "pem", allowed_roles: "a, b", max_connection_lifetime: "5s" })).status, 204);
  assert.equal((await request("POST", "database/config/pg", { max_open_connections: 7, verify_connection: false })).status, 204);
  const { body } = await request("GET", "database/config/pg");
  assert.deepEqual(body["data"], {
    plugin_name: "postgresql-database-plugin",
    plugin_version: "",
    connection_details: { connection_url: config.connection_url, username: "root", tls_certificate: "pem", max_connection_lifetime: "5s", max_open_connections: 7 },
    allowed_roles: ["a", "b"],
    root_credentials_rotate_statements: [],
    password_policy: "",
    verify_connection: false,
    skip_static_role_import_rotation: false,
    rotation_period: 0,
    rotation_schedule: "",
    rotation_window: 0,
    disable_automated_rotation: false,
  });
  const inUrl = await request("POST", "database/config/inline", { ...config, connection_url: "postgresql://u:hidden@127.0.0.1:1/d" });
  assert.match(inUrl.body.warnings![0]!, /^Password found in connection_url/);
  assert.equal((await request("GET", "database/config/inline")).body["data"].connection_details.connection_url, "postgresql://u:xxxxx@127.0.0.1:1/d");
  assert.deepEqual((await request("LIST", "database/config")).body["data"].keys, ["inline", "pg"]);
  assert.equal((await request("DELETE", "database/config/pg")).status, 204);
  assert.equal((await request("GET", "database/config/pg")).status, 404);
});

test("a bad connection is refused, and nothing written", async () => {
  const { config, refusal } = await service();
  for (const [change, text] of [
    [{ plugin_name: "" }, "empty plugin name"],
    [{ plugin_name: "oracle-database-plugin" }, "error creating database object: plugin not found in the catalog: oracle-database-plugin"],
    [{ plugin_version: "v1.2.3" }, 'database plugin "postgresql-database-plugin", version v1.2.3 not found'],
    [{ connection_url: "" }, "error creating database object: connection_url cannot be empty"],
    [{ password: "{{username}}" }, "error creating database object: username and/or password cannot contain the template variables"],
    [{ username_template: "{{ nope }}" }, 'error creating database object: unable to initialize username template: function "nope" not defined'],
    [{ auth_type: "gcp_iam" }, 'auth_type "gcp_iam" is not supported'],
    [{ self_managed: true }, "self_managed excludes username and password"],
    [{ rotation_schedule: "0 * * *" }, "could not parse rotation_schedule: it must have 5 fields"],
    [{ connection_url: `postgresql://${"h".repeat(5000)}/d` }, "error creating database object: connection_url has at most 4096 characters"],
    [{ password_authentication: "md5" }, "error creating database object: 'md5' is not a valid password authentication type"],
    [{ max_open_connections: "many" }, 'Field validation failed: error converting input for field "max_open_connections": cannot parse "many" as int'],
    [{ password: ["a"] }, 'Field validation failed: error converting input for field "password": expected string'],
  ] as const) {
    assert.deepEqual(await refusal("config/pg", { ...config, ...change }), [400, text]);
  }
  const [status, text] = await refusal("config/pg", { ...config, verify_connection: true });
  assert.equal(status, 400);
  assert.match(text!, /^error creating database object: error verifying connection: .*ECONNREFUSED/);
});

test("a role keeps what an update does not name", async () => {
  const { request, refusal } = await service();
  assert.deepEqual(await refusal("roles/app", {}), [400, "database name is required"]);
  assert.deepEqual(await refusal("roles/app", { db_name: "pg", credential_type: "x" }), [400, 'invalid credential_type "x"']);
  for (const credential_type of ["rsa_private_key", "client_certificate"]) assert.deepEqual(await refusal("roles/app", { db_name: "pg", credential_type }), [400, `unsupported credential_type: "${credential_type}"`]);
  assert.deepEqual(await refusal("roles/app", { db_name: "pg", credential_config: { key_bits: "1" } }), [400, "credential_config validation failed: unknown keys key_bits"]);
  assert.deepEqual(await refusal("roles/app", { db_name: "pg", default_ttl: "-1h" }), [400, `Field validation failed: error converting input for field "default_ttl": cannot provide negative value '-3600'`]);
  await request("POST", "database/roles/app", { db_name: "pg", creation_statements: "CREATE x", revocation_statements: [""], default_ttl: "1h", max_ttl: 7200, credential_config: "password_policy=p" });
  await request("POST", "database/roles/app", { renew_statements: ["RENEW"] });
  assert.deepEqual((await request("GET", "database/roles/app")).body["data"], {
    db_name: "pg", creation_statements: ["CREATE x"], revocation_statements: [], rollback_statements: [], renew_statements: ["RENEW"],
    default_ttl: 3600, max_ttl: 7200, credential_type: "password", credential_config: { password_policy: "p" },
  });
  assert.deepEqual(await refusal("static-roles/app", { db_name: "pg", username: "u", rotation_period: 60 }), [400, "Role and Static Role names must be unique"]);
  assert.deepEqual((await request("LIST", "database/roles")).body["data"].keys, ["app"]);
});

test("a bad static role is refused before anything happens", async () => {
  const { request, config, refusal } = await service();
  const good = { db_name: "pg", username: "u", rotation_period: 60 };
  assert.deepEqual(await refusal("static-roles/s", { ...good, db_name: "" }), [400, "database name is a required field"]);
  assert.deepEqual(await refusal("static-roles/s", { ...good, username: "" }), [400, "username is a required field to create a static account"]);
  assert.deepEqual(await refusal("static-roles/s", { ...good, rotation_period: 4 }), [400, "rotation_period must be 5 seconds or more"]);
  assert.deepEqual(await refusal("static-roles/s", good), [400, 'failed to find entry for connection with name: "pg"']);
  await request("POST", "database/config/pg", config);
  assert.deepEqual(await refusal("static-roles/s", good), [403, '"s" is not an allowed role']);
  assert.deepEqual(await refusal("static-roles/s", { ...good, skip_import_rotation: true, password: "x" }), [403, '"s" is not an allowed role']);
  assert.deepEqual(await refusal("static-roles/s", { ...good, skip_import_rotation: true }), [400, "password is required where the first rotation is skipped"]);
  assert.deepEqual(await refusal("static-roles/s", { ...good, password: "x", self_managed_password: "y" }), [400, "password and self_managed_password are two names of the same thing"]);
});

test("who may use a connection is a list in which asterisks stand for any characters", async () => {
  const { request, config } = await service();
  await request("POST", "database/config/pg", { ...config, allowed_roles: "app-*-ro,a.b" });
  for (const [name, isAllowed] of [["app-x-ro", true], ["app-x-rw", false], ["a.b", true], ["aXb", false]] as const) {
    await request("POST", `database/roles/${name}`, { db_name: "pg", creation_statements: "CREATE x" });
    const { status, body } = await request("GET", `database/creds/${name}`);
    if (isAllowed) assert.match(body.errors![0]!, /ECONNREFUSED/, name);
    else assert.deepEqual([status, body.errors], [403, [`"${name}" is not an allowed role`]]);
  }
});

test("what is not there", async () => {
  const { request } = await service();
  for (const [method, path, status, text] of [
    ["GET", "creds/x", 400, "unknown role: x"],
    ["GET", "static-creds/x", 400, "unknown role: x"],
    ["POST", "rotate-role/x", 400, "no static role found for role name"],
    ["POST", "rotate-root/x", 400, 'failed to find entry for connection with name: "x"'],
    ["POST", "reset/x", 400, 'failed to find entry for connection with name: "x"'],
  ] as const) {
    const answer = await request(method, `database/${path}`);
    assert.deepEqual([answer.status, answer.body.errors], [status, [text]], path);
  }
  for (const path of ["roles/x", "static-roles/x", "config/x"]) assert.equal((await request("DELETE", `database/${path}`)).status, 204);
});

test("rotate-root needs a username and a password", async () => {
  const { request, config } = await service();
  await request("POST", "database/config/pg", { ...config, username: "", password: "" });
  assert.deepEqual((await request("POST", "database/rotate-root/pg")).body.errors, ["unable to rotate root credentials: no username in configuration"]);
  await request("POST", "database/config/pg", { username: "root", verify_connection: false });
  assert.deepEqual((await request("POST", "database/rotate-root/pg")).body.errors, ["unable to rotate root credentials: no password in configuration"]);
});

test("periods and schedules", () => {
  const at = Date.UTC(2026, 0, 1, 12);
  const schedule = rhythmFrom({ rotation_schedule: "30 2 * * 6", rotation_window: 7200 }, undefined);
  assert.deepEqual(schedule, { rotation_period: 0, rotation_schedule: "30 2 * * 6", rotation_window: 7200 });
  assert.equal(new Date(nextRotation(schedule, at)).toISOString(), "2026-01-03T02:30:00.000Z");
  const period = rhythmFrom({ rotation_period: 60 }, schedule);
  assert.deepEqual(period, { rotation_period: 60, rotation_schedule: "", rotation_window: 0 });
  assert.equal(nextRotation(period, at), at + 60_000);
  assert.deepEqual(rhythmFrom({}, period), period);
  assert.deepEqual(rhythmFrom({ rotation_window: 3600 }, schedule), { ...schedule, rotation_window: 3600 });
  for (const [given, problem] of [
    [{}, /one of rotation_schedule or rotation_period must be provided/],
    [{ rotation_period: 60, rotation_schedule: "* * * * *" }, /mutually exclusive/],
    [{ rotation_period: 60, rotation_window: 3600 }, /rotation_window is invalid with use of rotation_period/],
    [{ rotation_schedule: "* * * * *", rotation_window: 60 }, /rotation_window must be 3600 seconds or more/],
    [{ rotation_schedule: "often" }, /could not parse rotation_schedule/],
    [{ rotation_schedule: "0 0 0 * * *" }, /could not parse rotation_schedule: it must have 5 fields/],
    [{ rotation_schedule: "0 0 31 2 *" }, /could not parse rotation_schedule/],
    [{ rotation_schedule: "" }, /could not parse rotation_schedule/],
  ] as const) {
    assert.throws(() => rhythmFrom(given, undefined), problem);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasPassword, maxLifetimeSeconds, poolSize, redactUrl } from "./details.js";
import { mysqlAddress } from "./mysql-url.js";
import { postgresAddress } from "./postgresql-url.js";
import { postgresStatements } from "./postgresql.js";
import type { Details } from "./storage.js";

const login = { username: "ro:ot", password: "p@ss/w%20rd?#" };
const postgres = (connection_url: string, more: Details = {}) => postgresAddress({ connection_url, ...login, ...more });
const mysql = (connection_url: string, more: Details = {}) => mysqlAddress({ connection_url, ...login, ...more });

test("PostgreSQL: a URL whose login needs no escaping", () => {
  const { servers, user, password, database, applicationName, tls } = postgres("postgresql://{{username}}:{{password}}@db.internal:6432/orders?sslmode=disable");
  assert.deepEqual({ servers, user, password, database, applicationName, tls }, { servers: [{ host: "db.internal", port: 6432 }], user: "ro:ot", password: "p@ss/w%20rd?#", database: "orders", applicationName: "vault", tls: { kind: "off" } });
  assert.deepEqual([postgres("postgres://a%40b:c%3Ad@[::1]/").user, postgres("postgres://a%40b:c%3Ad@[::1]/").password, postgres("postgres://[::1]/").servers[0]?.host], ["a@b", "c:d", "::1"]);
  assert.equal(postgres("postgresql://{{username}}:{{password}}@h/d", { password: "p%40", disable_escaping: true }).password, "p@");
  assert.deepEqual([postgres("postgresql://u@/d?host=/run/postgresql").servers[0]?.host, postgres("postgresql://u@/d?host=/run/postgresql").tls], ["/run/postgresql", { kind: "off" }]);
});

test("PostgreSQL: keywords", () => {
  const { servers, user, password, database, connectTimeoutSeconds } = postgres("host=db port=5433 user={{username}} password='{{password}}' dbname='my db' sslmode=require connect_timeout=3");
  assert.deepEqual([servers, user, password, database, connectTimeoutSeconds], [[{ host: "db", port: 5433 }], "ro:ot", "p@ss/w%20rd?#", "my db", 3]);
});

test("PostgreSQL: several servers, as libpq has them", () => {
  const several = (url: string) => postgres(url).servers.map(({ host, port }) => `${host} ${port}`);
  assert.deepEqual(several("postgresql://{{username}}:{{password}}@a:1,b:2,[::1]/d"), ["a 1", "b 2", "::1 5432"]);
  assert.deepEqual(several("postgresql://a,b/d"), ["a 5432", "b 5432"]);
  assert.deepEqual(several("host=a,b port=1,2"), ["a 1", "b 2"]);
  assert.deepEqual(several("host=a,b port=3"), ["a 3", "b 3"]);
  assert.deepEqual(several("postgresql:///d?host=a,/run/postgresql&port=,7"), ["a 5432", "/run/postgresql 7"]);
  assert.deepEqual([postgres("postgresql://a,b/d?target_session_attrs=read-write").wanted, postgres("postgresql://a/d").wanted], ["read-write", "any"]);
});

test("PostgreSQL: sslmode, as libpq has it", () => {
  const tls = (mode: string, more: Details = {}) => postgres(`postgresql://h/d?sslmode=${mode}`, more).tls;
  assert.equal(postgres("postgresql://h/d").tls.kind, "prefer");
  for (const [mode, more, kind, checksChain, checksName] of [["allow", {}, "prefer", false, false], ["require", {}, "on", false, false], ["require", { tls_ca: "ca" }, "on", true, false], ["verify-ca", {}, "on", true, false], ["verify-full", { tls_ca: "ca" }, "on", true, true]] as const) {
    const found = tls(mode, more);
    assert.ok(found.kind !== "off");
    assert.deepEqual([found.kind, found.options.rejectUnauthorized, found.options.checkServerIdentity === undefined], [kind, checksChain, checksName], mode);
  }
});

test("PostgreSQL: what cannot be an address", () => {
  assert.throws(() => postgres(""), /connection_url cannot be empty/);
  assert.throws(() => postgres("nonsense"), /neither a postgresql:/);
  assert.throws(() => postgres("postgresql://a:b:c/d"), /not a URL/);
  assert.throws(() => postgres("postgresql://a:0,b/d"), /invalid port/);
  assert.throws(() => postgres("host=a,b,c port=1,2"), /3 hosts and 2 ports/);
  assert.throws(() => postgres("postgresql://a/d?target_session_attrs=both"), /invalid target_session_attrs/);
  assert.throws(() => postgres("postgresql://h/d?sslmode=maybe"), /invalid sslmode/);
  assert.throws(() => postgres("postgresql://u:%zz@h/d"), /escapes nothing/);
  assert.throws(() => postgres("postgresql://h/d", { tls_certificate: "pem" }), /go together/);
  assert.throws(() => postgres("postgresql://h/d", { password: "x{{username}}" }), /cannot contain the template variables/);
});

test("MySQL: the data source name of Go's driver", () => {
  const { user, password, database, ssl, place } = mysql("{{username}}:{{password}}@tcp(db.internal:3307)/orders?parseTime=true");
  assert.deepEqual({ user, password, database, ssl, place }, { user: "ro:ot", password: "p@ss/w%20rd?#", database: "orders", ssl: undefined, place: { host: "db.internal", port: 3307 } });
  assert.deepEqual(mysql("a:b@c@tcp(h)/").password, "b@c");
  assert.deepEqual(mysql("a@unix(/run/mysqld.sock)/").place, { socketPath: "/run/mysqld.sock" });
  assert.deepEqual(mysql("a@tcp([::1]:3306)/").place, { host: "::1", port: 3306 });
  assert.deepEqual(mysql("a@/").place, { host: "127.0.0.1", port: 3306 });
  assert.deepEqual([mysql("a@tcp(h)/?tls=true").ssl?.rejectUnauthorized, mysql("a@tcp(h)/?tls=skip-verify").ssl?.rejectUnauthorized, mysql("a@tcp(h)/", { tls_ca: "ca" }).ssl?.rejectUnauthorized], [true, false, true]);
  assert.deepEqual([mysql("a@tcp(h)/?tls=true").serverName, mysql("a@tcp(127.0.0.1)/", { tls_ca: "ca", tls_server_name: "db" }).serverName, mysql("a@tcp(127.0.0.1)/", { tls_ca: "ca", tls_skip_verify: true }).serverName], ["h", "db", ""]);
  for (const [url, problem] of [["", /cannot be empty/], ["nonsense", /not of the form/], ["a@udp(h)/", /unknown network/], ["a@tcp(h,i)/", /several hosts/], ["a@tcp(h)/?tls=custom", /not supported/], ["a@tcp(127.0.0.1)/?tls=true", /tls_server_name/]] as const) assert.throws(() => mysql(url), problem);
});

test("a password in an address is not shown", () => {
  for (const [url, shown] of [
    ["postgresql://u:secret@h/d", "postgresql://u:xxxxx@h/d"],
    ["postgresql://{{username}}:{{password}}@h/d", "postgresql://{{username}}:{{password}}@h/d"],
    ["postgresql://u@h:5432/d", "postgresql://u@h:5432/d"],
    ["u:se@cret@tcp(h:3306)/d", "u:xxxxx@tcp(h:3306)/d"],
    ["host=h password=secret user=u", "host=h password=xxxxx user=u"],
    ["host=h password='se cret'", "host=h password=xxxxx"],
    ["host=h password={{password}}", "host=h password={{password}}"],
  ] as const) {
    assert.equal(redactUrl(url), shown);
    assert.equal(hasPassword(url), url !== shown);
  }
});

test("sizes of pools, and lifetimes", () => {
  assert.deepEqual(poolSize({}), { open: 4, idle: 4 });
  assert.deepEqual(poolSize({ max_open_connections: "10", max_idle_connections: 20 }), { open: 10, idle: 10 });
  assert.deepEqual(poolSize({ max_open_connections: -1, max_idle_connections: -1 }), { open: 100, idle: 0 });
  assert.deepEqual([maxLifetimeSeconds({}), maxLifetimeSeconds({ max_connection_lifetime: "1m" }), maxLifetimeSeconds({ max_connection_lifetime: 5 })], [0, 60, 5]);
});

test("only an END outside of quotes keeps an entry whole", () => {
  assert.deepEqual(postgresStatements(["DO $$ BEGIN x; END $$"]), ["DO $$ BEGIN x; END $$"]);
  assert.deepEqual(postgresStatements([`SELECT 'END'; SELECT "END"; SELECT APPEND`]), ["SELECT 'END'", `SELECT "END"`, "SELECT APPEND"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { mariaDbProgram, postgresProgram, redisProgram, startMariaDb, startPostgres, startRedis } from "@coffer/counterparts";
import type { DatabasePlugin } from "./plugin.js";
import { PLUGINS } from "./plugins.js";
import type { Details } from "./storage.js";
import { certificateFor } from "../testing/server-certificate.js";

const here = [{ type: "ip", value: "127.0.0.1" }, { type: "dns", value: "db.internal" }] as const;

/** Undefined where it connects, else why not. */
async function failure(plugin: DatabasePlugin, details: Details): Promise<string | undefined> {
  const connection = plugin.open(details);
  try {
    await connection.verify();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await connection.close();
  }
}

test("PostgreSQL with TLS: sslmode decides what is checked", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, async () => {
  const [own, other] = [await certificateFor(...here), await certificateFor(...here)];
  const server = await startPostgres(own);
  try {
    const connect = (mode: string, ca: string, host = "127.0.0.1") => failure(PLUGINS.get("postgresql-database-plugin")!, { connection_url: `postgresql://{{username}}:{{password}}@${host}:${server.port}/postgres?sslmode=${mode}`, username: server.superuser, password: server.password, tls_ca: ca });
    for (const mode of ["disable", "allow", "prefer", "require"]) assert.equal(await connect(mode, ""), undefined, mode);
    for (const mode of ["require", "verify-ca", "verify-full"]) assert.equal(await connect(mode, own.certificate), undefined, mode);
    for (const mode of ["require", "verify-ca", "verify-full"]) assert.match((await connect(mode, other.certificate))!, /certificate/, mode);
    for (const mode of ["verify-ca", "verify-full"]) assert.match((await connect(mode, ""))!, /self.signed certificate/, mode);
    assert.equal(await connect("verify-ca", own.certificate, "localhost"), undefined);
    assert.match((await connect("verify-full", own.certificate, "localhost"))!, /does not match|altnames/);
  } finally {
    await server.stop();
  }
});

test("MariaDB with TLS: the name and who signed are checked", { skip: mariaDbProgram() === undefined && "MariaDB is not installed" }, async () => {
  const [own, other] = [await certificateFor(...here), await certificateFor(...here)];
  const server = await startMariaDb(own);
  try {
    const connect = (details: Details, query = "") => failure(PLUGINS.get("mysql-database-plugin")!, { connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${server.port})/${query}`, username: server.superuser, password: server.password, ...details });
    assert.equal(await connect({}, "?tls=skip-verify"), undefined);
    assert.equal(await connect({ tls_ca: own.certificate, tls_server_name: "db.internal" }), undefined);
    assert.match((await connect({ tls_ca: own.certificate, tls_server_name: "elsewhere" }))!, /does not match|altnames/);
    assert.match((await connect({ tls_ca: other.certificate, tls_server_name: "db.internal" }))!, /certificate/);
    assert.equal(await connect({ tls_ca: other.certificate, tls_skip_verify: true }), undefined);
  } finally {
    await server.stop();
  }
});

test("Redis with TLS: the server's certificate is checked, unless one asks that it is not", { skip: redisProgram() === undefined && "Redis is not installed" }, async () => {
  const [own, other] = [await certificateFor(...here), await certificateFor(...here)];
  const server = await startRedis(own);
  try {
    const connect = (details: Details) => failure(PLUGINS.get("redis-database-plugin")!, { host: "127.0.0.1", port: server.tlsPort, username: server.superuser, password: server.password, tls: true, ...details });
    assert.equal(await connect({ ca_cert: own.certificate }), undefined);
    assert.match((await connect({ ca_cert: other.certificate }))!, /certificate/);
    assert.equal(await connect({ ca_cert: other.certificate, insecure_tls: true }), undefined);
  } finally {
    await server.stop();
  }
});

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { mariaDbProgram, startMariaDb } from "./mariadb.js";
import { postgresProgram, startPostgres } from "./postgres.js";
import { redisProgram, startRedis } from "./redis.js";

const opens = (port: number) => new Promise<boolean>((resolve) => {
  const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
  socket.once("error", () => resolve(false));
});

const servers = [
  ["PostgreSQL", postgresProgram, startPostgres],
  ["MariaDB", mariaDbProgram, startMariaDb],
  ["Redis", redisProgram, startRedis],
] as const;

for (const [name, program, start] of servers) {
  test(`${name} listens while it runs, and not after`, { skip: program() === undefined && `${name} is not installed` }, async () => {
    const server = await start();
    assert.equal(await opens(server.port), true);
    await server.stop();
    assert.equal(await opens(server.port), false);
  });
}

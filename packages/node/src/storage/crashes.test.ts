import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { postgresProgram, startPostgres } from "@coffer/counterparts";
import type { Postgres } from "@coffer/counterparts";
import type { StateBackend, StateOperation } from "@coffer/state-machine";
import { createObjectLog } from "./object-log.js";
import type { ObjectStore } from "./object-store.js";
import { openPostgresql } from "./postgresql-backend.js";
import { PLACES } from "./testing/places.js";
import type { Place } from "./testing/places.js";
import { queryPostgres } from "./testing/postgres-query.js";

const BEFORE: Readonly<Record<string, string>> = { a: "1", b: "1", gone: "1" };
const AFTER: Readonly<Record<string, string>> = { a: "2", b: "1", c: "x".repeat(600_000) };
const CHANGE: readonly StateOperation[] = [
  { type: "put", key: "a", value: Buffer.from("2") },
  { type: "del", key: "gone" },
  { type: "put", key: "c", value: Buffer.from(AFTER["c"]!) },
];

const puts = (state: Readonly<Record<string, string>>): StateOperation[] => Object.entries(state).map(([key, value]) => ({ type: "put", key, value: Buffer.from(value) }));

async function stored(backend: StateBackend): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const [key, value] of backend.load()) all[key] = Buffer.from(value).toString();
  return all;
}

class Crash extends Error {}

/** The process dies at its n-th change of an object: before it reaches the store, or before its answer comes back. */
function dying(store: ObjectStore, n: number, isAfter: boolean): ObjectStore {
  let left = n;
  const step = async (work: () => Promise<void>) => {
    if (left <= 0) throw new Crash();
    left -= 1;
    if (left > 0 || isAfter) await work();
    if (left === 0) throw new Crash();
  };
  return { ...store, put: (name, bytes) => step(() => store.put(name, bytes)), remove: (names) => step(() => store.remove(names)) };
}

for (const kind of PLACES.filter(({ name }) => name !== "postgresql")) {
  describe(kind.name, { skip: kind.missing }, () => {
    let place: Place;
    before(async () => void (place = await kind.start()));
    after(() => place.stop());

    test("a crash at every step of a write leaves the state before it or after it, whole, and the next write goes on from there", async () => {
      const seen = new Set<string>();
      for (const isAfter of [false, true]) {
        for (let n = 1, isDone = false; !isDone; n++) {
          const name = `crash-${isAfter}-${n}`;
          const store = await place.openStore!(name);
          const first = createObjectLog(store);
          await stored(first);
          await first.write(puts(BEFORE));
          const doomed = createObjectLog(dying(store, n, isAfter));
          await stored(doomed);
          isDone = await doomed.write(CHANGE).then(() => true, (error: unknown) => (assert.ok(error instanceof Crash), false));
          await store.close();
          const next = createObjectLog(await place.openStore!(name));
          const found = await stored(next);
          const isApplied = found["a"] === "2";
          assert.deepEqual(found, isApplied ? AFTER : BEFORE);
          if (isDone) assert.ok(isApplied, "what was acknowledged is there");
          seen.add(`${isApplied}`);
          await next.write([{ type: "put", key: "later", value: Buffer.from("3") }]);
          await next.close();
          const last = createObjectLog(await place.openStore!(name));
          assert.deepEqual(await stored(last), { ...found, later: "3" });
          await last.close();
        }
      }
      assert.deepEqual([...seen].sort(), ["false", "true"]);
    });

    test("a crash at every step of a new checkpoint loses nothing", async () => {
      const limits = { minLogBytes: 1e9, maxLogObjects: 3 };
      for (let n = 1, isDone = false; !isDone; n++) {
        const name = `checkpoint-${n}`;
        const store = await place.openStore!(name);
        const first = createObjectLog(store, limits);
        await stored(first);
        await first.write(puts(BEFORE));
        await first.write(CHANGE);
        await first.write([{ type: "put", key: "d", value: Buffer.from("4") }]);
        assert.equal(first.compaction!.isDue(), true);
        const doomed = createObjectLog(dying(store, n, true), limits);
        const records = Object.entries(await stored(doomed)).map(([key, value]) => [key, Buffer.from(value)] as const);
        isDone = await doomed.compaction!.run((async function* () { yield* records; })()).then(() => true, () => false);
        await store.close();
        const reopened = await place.openStore!(name);
        const next = createObjectLog(reopened, limits);
        assert.deepEqual(await stored(next), { ...AFTER, d: "4" });
        if (isDone) assert.deepEqual(await reopened.list("log/"), [], "the log begins anew");
        await next.write([{ type: "del", key: "d" }]);
        assert.deepEqual(await stored(next), AFTER);
        await next.close();
      }
    });

    test("an object that is damaged or missing is found out", async () => {
      const store = await place.openStore!("damage");
      const log = createObjectLog(store);
      await stored(log);
      for (const value of ["1", "2", "3"]) await log.write([{ type: "put", key: "a", value: Buffer.from(value) }]);
      const [, second] = await store.list("log/");
      const bytes = Buffer.from((await store.get(second!))!);
      bytes[bytes.length - 1]! ^= 1;
      await store.put(second!, bytes);
      await assert.rejects(stored(createObjectLog(store)), /the object log\/0+2 is damaged/);
      await store.remove([second!]);
      await assert.rejects(stored(createObjectLog(store)), /the log is incomplete: write 2 is missing/);
      await store.close();
    });
  });
}

/** A line to the server that is cut after a number of chunks from this side. */
async function cutAfter(port: number, chunks: number): Promise<{ readonly port: number; stop(): void }> {
  let left = chunks;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => (near.destroy(), far.destroy()));
    }
    near.on("data", (chunk) => {
      if (left-- > 0) far.write(chunk);
      else near.destroy();
    });
    far.on("data", (chunk) => near.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => (server.close(), sockets.forEach((socket) => socket.destroy())) };
}

describe("postgresql, a connection that is cut", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.stop());
  const open = (url: string, table: string) => openPostgresql({ type: "postgresql", connectionUrl: url, table }, () => undefined);

  test("at every step of a write it leaves the state before it or after it, whole", async () => {
    const seen: boolean[] = [];
    for (let cut = 0, isDone = false; !isDone; cut++) {
      const first = await open(server.url(), `cut_${cut}`);
      await first.write(puts(BEFORE));
      await first.close();
      const line = await cutAfter(server.port, cut);
      const outcome = await open(server.url().replace(`:${server.port}/`, `:${line.port}/`), `cut_${cut}`).catch(() => undefined);
      isDone = (await outcome?.write(CHANGE).then(() => true, () => false)) ?? false;
      line.stop();
      await outcome?.close();
      const next = await open(server.url(), `cut_${cut}`);
      const found = await stored(next);
      await next.close();
      assert.deepEqual(found, found["a"] === "2" ? AFTER : BEFORE);
      if (isDone) assert.equal(found["a"], "2");
      seen.push(found["a"] === "2");
    }
    assert.ok(seen.length > 8, "the connection was cut at many places");
  });

  test("one that comes back goes on by itself, and a write that is repeated counts once", async () => {
    const backend = await open(server.url(), "back");
    await backend.write(puts(BEFORE));
    await queryPostgres(server.url(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'coffer'");
    for (let left = 50; ; left--) {
      if (await backend.write(CHANGE).then(() => true, () => false)) break;
      assert.ok(left > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await backend.write(CHANGE);
    assert.deepEqual(await stored(backend), AFTER);
    assert.equal(backend.isHeld(), true);
    await backend.close();
  });

  test("a table of another program is refused, and left as it is", async () => {
    await queryPostgres(server.url(), "CREATE TABLE vault_kv_store (parent_path TEXT, path TEXT, key TEXT, value BYTEA)");
    await assert.rejects(open(server.url(), "vault_kv_store"), /the table vault_kv_store is another program's/);
    assert.deepEqual(await queryPostgres(server.url(), "SELECT * FROM vault_kv_store"), []);
  });
});

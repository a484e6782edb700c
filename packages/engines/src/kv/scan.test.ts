import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import type { ReadStorage } from "@coffer/state-machine";
import { createHarness } from "../testing/harness.js";
import type { Harness } from "../testing/harness.js";
import { keyQuery } from "./key-query.js";
import { newMetadata } from "./versions.js";
import { putMetadata } from "./storage.js";
import { MOST_KEYS, walk } from "./walk.js";

test("a query is text anywhere, or with a wildcard the whole name or path", () => {
  const found = (query: string, ...keys: string[]) => keys.filter(keyQuery(query));
  assert.deepEqual(found("DB", "app/db-main", "db/x", "web"), ["app/db-main", "db/x"]);
  assert.deepEqual(found("app/db", "app/db-main", "db/app"), ["app/db-main"]);
  assert.deepEqual(found("db*", "app/db-main", "db/x", "Db"), ["app/db-main", "Db"]);
  assert.deepEqual(found("*-ma?n", "app/db-main", "db-man"), ["app/db-main"]);
  assert.deepEqual(found("app/*/key", "app/a/b/key", "app/key", "x/app/a/key"), ["app/a/b/key"]);
  assert.deepEqual(found("**a**", "b/a", "a/b", "xay"), ["b/a", "xay"]);
  assert.deepEqual(found("[a].+", "[a].+", "a"), ["[a].+"]);
  assert.deepEqual(found("", "a", "b/c"), ["a", "b/c"]);
});

test("no pattern makes a search slow", () => {
  const matches = keyQuery(`${"*a".repeat(200)}b`);
  const started = performance.now();
  assert.equal(matches("a".repeat(2000)), false);
  assert.ok(performance.now() - started < 1000);
});

/** What a scan shows; empty where it is a miss. */
async function scan({ request }: Harness, path: string, query: Readonly<Record<string, string>> = {}, token?: string) {
  const { status, body } = await request("SCAN", path, undefined, { query, ...(token !== undefined && { token }) });
  assert.ok(status === 200 || status === 404, JSON.stringify(body));
  return { status, keys: (body["data"]?.keys ?? []) as string[], next: body["data"]?.next as string | undefined, warnings: body.warnings ?? [] };
}

const KEYS = ["app/db/password", "app/db/user", "app/web", "hr/salaries/ceo", "hr/staff", "top"];

for (const [version, room, readRoom] of [["1", "", ""], ["2", "metadata/", "data/"]] as const) {
  suite(`version ${version}`, () => {
    let harness: Harness;
    before(async () => {
      harness = await createHarness();
      await harness.mount("kv", "kv", { version });
      for (const key of KEYS) assert.ok((await harness.request("POST", `kv/${readRoom}${key}`, version === "1" ? { value: key } : { data: { value: key } })).status < 300);
    });

    test("a scan shows everything below a path, and can be asked in pages and by a query", async () => {
      assert.deepEqual((await scan(harness, `kv/${room}`)).keys, KEYS);
      assert.deepEqual((await scan(harness, `kv/${room}app`)).keys, ["db/password", "db/user", "web"]);
      assert.deepEqual((await scan(harness, `kv/${room}`, { query: "DB" })).keys, ["app/db/password", "app/db/user"]);
      assert.deepEqual((await scan(harness, `kv/${room}app/`, { query: "w*" })).keys, ["web"]);
      assert.deepEqual((await scan(harness, `kv/${room}`, { query: "top" })).next, undefined);
      assert.equal((await scan(harness, `kv/${room}`, { query: "nothing of that name" })).status, 404);
      const pages: string[] = [];
      for (let after: string | undefined = ""; after !== undefined; ) {
        const page = await scan(harness, `kv/${room}`, { limit: "2", after });
        assert.ok(page.keys.length <= 2);
        assert.deepEqual(page.warnings, []);
        pages.push(...page.keys);
        after = page.next;
      }
      assert.deepEqual(pages, KEYS);
    });

    test("a query that is too long is refused", async () => {
      assert.equal((await harness.request("SCAN", `kv/${room}`, undefined, { query: { query: "x".repeat(513) } })).status, 400);
      assert.equal((await harness.request("SCAN", `kv/${room}`, undefined, { query: { limit: "many" } })).status, 400);
    });

    test("who has no scan may not scan, whatever else it may", async () => {
      const token = await harness.tokenWith(`path "kv/*" { capabilities = ["read", "list", "create", "update", "delete", "patch"] }`);
      assert.equal((await harness.request("SCAN", `kv/${room}`, undefined, { token })).status, 403);
      assert.equal((await harness.request("SCAN", `kv/${room}`, undefined, { token: "" })).status, 403);
    });

    test("a denied folder is not entered, and a denied key is not shown", async () => {
      const token = await harness.tokenWith(`
        path "kv/*" { capabilities = ["scan"] }
        path "kv/${room}hr/*" { capabilities = ["deny"] }
        path "kv/${room}app/db/password" { capabilities = ["deny"] }
      `);
      assert.deepEqual((await scan(harness, `kv/${room}`, {}, token)).keys, ["app/db/user", "app/web", "top"]);
      assert.equal((await scan(harness, `kv/${room}`, { query: "ceo" }, token)).status, 404);
      assert.equal((await scan(harness, `kv/${room}`, { query: "password" }, token)).status, 404);
      assert.equal((await harness.request("SCAN", `kv/${room}hr/`, undefined, { token })).status, 403);
    });

    test("a right to scan a folder alone shows what the other rules show, and no more", async () => {
      const alone = await harness.tokenWith(`path "kv/${room}" { capabilities = ["scan"] }`);
      assert.equal((await scan(harness, `kv/${room}`, {}, alone)).status, 404);
      const listing = await harness.tokenWith(`
        path "kv/${room}" { capabilities = ["scan"] }
        path "kv/${room}app/" { capabilities = ["list"] }
        path "kv/${room}app/web" { capabilities = ["read"] }
        path "kv/${room}hr/staff" { capabilities = ["read"] }
      `);
      // hr/ may not be listed: that staff may be read does not open it.
      assert.deepEqual((await scan(harness, `kv/${room}`, {}, listing)).keys, ["app/web"]);
    });

    test("a right that a second factor or a control group guards opens nothing", async () => {
      const token = await harness.tokenWith(`
        path "kv/${room}" { capabilities = ["scan"] }
        path "kv/${room}+" { capabilities = ["read"] }
        path "kv/${room}hr/*" {
          capabilities = ["read", "list", "scan"]
          mfa_methods = ["phone"]
        }
      `);
      assert.deepEqual((await scan(harness, `kv/${room}`, {}, token)).keys, ["top"]);
    });

    test("pages tell nothing of what lies between them", async () => {
      const token = await harness.tokenWith(`
        path "kv/*" { capabilities = ["scan"] }
        path "kv/${room}hr/*" { capabilities = ["deny"] }
      `);
      const page = await scan(harness, `kv/${room}`, { limit: "3" }, token);
      assert.deepEqual(page.keys, ["app/db/password", "app/db/user", "app/web"]);
      assert.equal(page.next, "app/web");
      assert.deepEqual((await scan(harness, `kv/${room}`, { after: "hr/salaries/b" }, token)).keys, ["top"]);
    });
  });
}

test("a search finds no values, and those who may read a secret's data see its name", async () => {
  const harness = await createHarness();
  await harness.mount("kv", "kv", { version: "2" });
  await harness.request("POST", "kv/data/app/one", { data: { needle: "needle" } });
  await harness.request("POST", "kv/metadata/app/one", { custom_metadata: { needle: "needle" } });
  assert.equal((await scan(harness, "kv/metadata/", { query: "needle" })).status, 404);
  const token = await harness.tokenWith(`
    path "kv/metadata/" { capabilities = ["scan"] }
    path "kv/metadata/app/" { capabilities = ["list"] }
    path "kv/data/app/*" { capabilities = ["read"] }
  `);
  assert.deepEqual((await scan(harness, "kv/metadata/", {}, token)).keys, ["app/one"]);
});

test("metadata comes with the keys that may be seen, and with no other", async () => {
  const harness = await createHarness();
  await harness.mount("kv", "kv", { version: "2" });
  for (const key of KEYS) await harness.request("POST", `kv/data/${key}`, { data: {} });
  const token = await harness.tokenWith(`
    path "kv/detailed-metadata/*" { capabilities = ["scan"] }
    path "kv/detailed-metadata/hr/*" { capabilities = ["deny"] }
  `);
  const { body } = await harness.request("SCAN", "kv/detailed-metadata/", undefined, { token, query: { query: "s" } });
  assert.deepEqual(body["data"].keys, ["app/db/password", "app/db/user"]);
  assert.deepEqual(Object.keys(body["data"].key_info as object), ["app/db/password", "app/db/user"]);
});

test("a secret of version 1 may be called as it likes", async () => {
  const harness = await createHarness();
  await harness.mount("kv", "kv", { version: "1" });
  const secret = { limit: "none", after: { a: 1 }, query: ["x"] };
  assert.equal((await harness.request("POST", "kv/a", secret)).status, 204);
  assert.deepEqual((await harness.request("GET", "kv/a")).body["data"], secret);
});

suite("where a walk is to go on", () => {
  const all = Array.from({ length: 30_000 }, (_, i) => `key-${String(i).padStart(5, "0")}`);
  const storage = { keys: async (_folder: string, { after = "", limit = 0 } = {}) => all.filter((key) => key > after).slice(0, limit) } as unknown as ReadStorage;
  const walked = (isHidden: (at: number) => boolean, query = "none") =>
    walk(storage, "", { mayEnter: () => true, mayShow: (key) => !isHidden(all.indexOf(key)), matches: (key) => key.includes(query) }, { after: "", limit: 0 }, 1000);

  test("it is the first key behind the bound that may be shown", async () => {
    assert.equal((await walked(() => false)).next, "key-01000");
    assert.equal((await walked((at) => at >= 700 && at < 2345)).next, "key-02345");
    assert.deepEqual(await walked((at) => at < 2345, "02345"), { keys: ["key-02345"], next: "key-02345", gaveUp: false });
  });

  test("where none comes for long, it ends without naming any", async () => {
    assert.deepEqual(await walked((at) => at >= 10), { keys: [], next: undefined, gaveUp: true });
  });
});

suite("a hundred thousand keys", () => {
  const FOLDERS = 100;
  const perFolder = MOST_KEYS / FOLDERS;
  let harness: Harness;
  before(async () => {
    harness = await createHarness();
    for (const [mount, folders, more] of [["small", FOLDERS / 10, 0], ["large", FOLDERS, 2]] as const) {
      await harness.mount(mount, "kv", { version: "2" });
      const { body } = await harness.request("GET", `sys/mounts/${mount}`);
      for (let folder = 0; folder < folders; folder++) {
        await harness.store.transact((tx) => {
          const storage = tx.scoped(`logical/${body["data"].uuid as string}/`);
          for (let i = 0; i < perFolder + (folder === folders - 1 ? more : 0); i++) putMetadata(storage, `folder-${String(folder).padStart(3, "0")}/key-${String(i).padStart(4, "0")}`, newMetadata(""));
        });
      }
    }
  });

  test("ten times the keys take about ten times the time, and others have their turn all the while", async () => {
    const token = await harness.tokenWith(`path "+/metadata/*" { capabilities = ["scan"] }`);
    const timed = async (mount: string) => {
      const started = performance.now();
      assert.deepEqual((await scan(harness, `${mount}/metadata/`, { query: "folder-009/*-0999" }, token)).keys, ["folder-009/key-0999"]);
      return performance.now() - started;
    };
    await timed("small");
    const small = Math.min(await timed("small"), await timed("small"), await timed("small"));
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    const large = await timed("large");
    clearInterval(ticking);
    assert.ok(large < 40 * small, `${large} ms for ten times what took ${small} ms`);
    // One turn a slice of 500 keys would be 200.
    assert.ok(turns > 50, `${turns} turns`);
  });

  test("one request looks at so many keys and hardly more, and says where to go on", async () => {
    const page = await scan(harness, "large/metadata/", { query: "*-1001" });
    assert.deepEqual([page.keys, page.next], [[], "folder-099/key-1000"]);
    assert.match(page.warnings[0]!, /go on/);
    const rest = await scan(harness, "large/metadata/", { query: "*-1001", after: page.next! });
    assert.deepEqual([rest.keys, rest.next], [["folder-099/key-1001"], undefined]);
  });

  test("folders that may not be entered cost next to nothing", async () => {
    const token = await harness.tokenWith(`
      path "large/metadata/" { capabilities = ["scan"] }
      path "large/metadata/folder-099/*" { capabilities = ["scan"] }
    `);
    const page = await scan(harness, "large/metadata/", {}, token);
    assert.equal(page.keys.length, perFolder + 2);
    assert.equal(page.next, undefined);
  });
});

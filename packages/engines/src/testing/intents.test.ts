import assert from "node:assert/strict";
import { test } from "node:test";
import { data, definePath, field, invalid, jsonCodec } from "@coffer/state-machine";
import type { Engine, WriteMount } from "@coffer/state-machine";
import { createHarness } from "./harness.js";

const counter = jsonCodec<number>();

/** Makes users in a directory outside. Each place of a request can be made to fail, or to stand still as when the node dies. */
async function service({ minAgeSeconds }: { readonly minAgeSeconds?: number } = {}) {
  const outside = new Set<string>();
  const state = { stop: "" as "" | "before" | "after" | "confirmed" | "hang", rollbackFails: 0, rolledBack: [] as string[], goOn: () => undefined as void, periodicFails: false, periodicDue: false };

  async function make(name: string, { intents }: Pick<WriteMount, "intents">): Promise<void> {
    const intent = await intents.begin("user", { name });
    if (state.stop === "before") throw invalid("stopped before the effect");
    outside.add(name);
    if (state.stop === "hang") await new Promise<void>((resolve) => (state.goOn = resolve));
    if (state.stop === "after") throw new Error("stopped after the effect");
    intents.confirm(intent);
    if (state.stop === "confirmed") throw invalid("stopped after the confirmation");
  }

  const creds = definePath({
    template: "creds/{name}",
    help: { synopsis: "Makes a user.", description: "" },
    fields: { name: field.string({ description: "Name of the user.", required: true }) },
    operations: {
      read: {
        effect: "write", summary: "Make a user.",
        async handler({ input }, storage, mount) {
          // Read before anything is awaited, written after: two requests at once conflict.
          const count = storage.get("count", counter) ?? 0;
          const name = `${input.name}-${Buffer.from(mount.env.randomBytes(3)).toString("hex")}`;
          await make(name, mount);
          storage.put("count", counter, count + 1);
          return data({ name }, { secret: { kind: "user", ttlSeconds: 600, renewable: true, internalData: { name } } });
        },
      },
    },
  });
  const careless = definePath({
    template: "careless/{name}",
    help: { synopsis: "Forgets to confirm, or asks for what is not declared.", description: "" },
    fields: { name: field.string({ description: "Name of the user.", required: true }) },
    operations: {
      update: {
        effect: "write", summary: "Be careless.",
        async handler({ input }, _storage, { intents }) {
          await intents.begin(input.name === "unknown" ? "group" : "user", { name: input.name });
          outside.add(input.name);
          return data({});
        },
      },
    },
  });
  const engine: Engine = {
    type: "directory",
    table: "secret",
    help: "Makes users elsewhere.",
    paths: [creds, careless],
    secrets: [{ name: "user", revoke: ({ name }) => void outside.delete(String(name)) }],
    intents: [
      {
        kind: "user",
        ...(minAgeSeconds !== undefined && { minAgeSeconds }),
        rollback({ name }, storage, { fullPath }) {
          if (state.rollbackFails-- > 0) throw new Error("the directory does not answer");
          outside.delete(String(name));
          storage.put("undone", counter, (storage.get("undone", counter) ?? 0) + 1);
          state.rolledBack.push(`${fullPath}${String(name)}`);
        },
      },
    ],
    async periodic(_storage, mount) {
      if (!state.periodicDue) return false;
      state.periodicDue = false;
      await make("rotated", mount);
      if (state.periodicFails) throw new Error("the rotation failed");
      return false;
    },
  };
  const harness = await createHarness({ engines: [engine] });
  await harness.mount("dir", "directory");
  const ask = (name: string) => harness.request("GET", `dir/creds/${name}`);
  const intents = async () => (await harness.store.evaluate((tx) => tx.keys("core/"))).value.filter((key) => key.startsWith("wal/") || key.includes("/intent/")).length;
  return { ...harness, outside, state, ask, intents };
}

test("a confirmed intent is gone with the write set that holds the lease", async () => {
  const { ask, outside, intents, clock, doDueWork } = await service();
  const { status, body } = await ask("ann");
  assert.equal(status, 200);
  assert.equal(await intents(), 0);
  clock.advance(599);
  await doDueWork();
  assert.deepEqual([...outside], [body["data"].name]);
  clock.advance(1);
  await doDueWork();
  assert.equal(outside.size, 0);
});

for (const [stop, text] of [["before", "stopped before the effect"], ["confirmed", "stopped after the confirmation"]] as const) {
  test(`a handler that fails is undone at the worker's next turn: ${text}`, async () => {
    const { ask, state, outside, intents, doDueWork, store } = await service();
    state.stop = stop;
    assert.deepEqual((await ask("ann")).body.errors, [text]);
    assert.equal(await intents(), 2);
    await doDueWork();
    assert.deepEqual([outside.size, state.rolledBack.length, await intents()], [0, 1, 0]);
    // What the rollback wrote is there, and nothing of the request.
    const keys = (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.endsWith("/undone") || key.endsWith("/count"));
    assert.deepEqual(keys.map((key) => key.split("/")[1]), ["undone"]);
  });
}

test("an internal error after the effect is undone as well", async () => {
  const { ask, state, outside, intents, doDueWork } = await service();
  state.stop = "after";
  await assert.rejects(ask("ann"), /stopped after the effect/);
  assert.equal(outside.size, 1);
  await doDueWork();
  assert.deepEqual([outside.size, await intents()], [0, 0]);
});

test("the intent of a node that died is undone once it is old enough", async () => {
  for (const minAgeSeconds of [undefined, 30]) {
    const { ask, state, outside, intents, clock, doDueWork } = await service(minAgeSeconds === undefined ? {} : { minAgeSeconds });
    state.stop = "hang";
    void ask("ann");
    while (outside.size === 0) await new Promise(setImmediate);
    clock.advance((minAgeSeconds ?? 600) - 1);
    await doDueWork();
    assert.deepEqual([outside.size, await intents()], [1, 2]);
    clock.advance(1);
    await doDueWork();
    assert.deepEqual([outside.size, await intents()], [0, 0]);
  }
});

test("a request that comes back after it was undone starts over, and gives nothing that is not there", async () => {
  const { ask, state, outside, intents, clock, doDueWork } = await service();
  state.stop = "hang";
  const late = ask("ann");
  while (outside.size === 0) await new Promise(setImmediate);
  clock.advance(600);
  await doDueWork();
  state.stop = "";
  state.goOn();
  const { status, body } = await late;
  assert.equal(status, 200);
  assert.deepEqual([...outside], [body["data"].name]);
  assert.equal(await intents(), 0);
});

test("of two requests that conflict both succeed, and what the repeated one began first is undone", async () => {
  const { ask, outside, intents, state, doDueWork } = await service();
  const answers = await Promise.all([ask("ann"), ask("bob"), ask("cid")]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
  await doDueWork();
  assert.deepEqual([...outside].sort(), answers.map(({ body }) => body["data"].name as string).sort());
  assert.ok(state.rolledBack.length > 0);
  assert.equal(await intents(), 0);
});

test("an intent that nobody confirms is undone although its request succeeded", async () => {
  const { request, outside, intents, doDueWork } = await service();
  assert.equal((await request("POST", "dir/careless/ann")).status, 200);
  await doDueWork();
  assert.deepEqual([outside.size, await intents()], [0, 0]);
});

test("an intent of a kind that is not declared is not begun", async () => {
  const { request, outside, intents } = await service();
  await assert.rejects(request("POST", "dir/careless/unknown"), /does not declare intents of the kind group/);
  assert.deepEqual([outside.size, await intents()], [0, 0]);
});

test("a rollback that fails is tried again, later each time", async () => {
  const { ask, state, outside, intents, clock, doDueWork } = await service();
  state.stop = "after";
  await assert.rejects(ask("ann"));
  state.rollbackFails = 2;
  await assert.rejects(doDueWork(), /does not answer/);
  await doDueWork();
  assert.equal(outside.size, 1);
  clock.advance(10);
  await assert.rejects(doDueWork(), /does not answer/);
  clock.advance(19);
  await doDueWork();
  assert.equal(outside.size, 1);
  clock.advance(1);
  await doDueWork();
  assert.deepEqual([outside.size, await intents()], [0, 0]);
});

test("a removed mount stays until its intents are undone", async () => {
  const { request, ask, state, outside, intents, doDueWork, store } = await service();
  state.stop = "after";
  await assert.rejects(ask("ann"));
  await request("DELETE", "sys/mounts/dir");
  await doDueWork();
  assert.deepEqual([outside.size, await intents(), state.rolledBack.length], [0, 0, 1]);
  const left = (await store.evaluate((tx) => tx.keys("core/mounts/doomed/"))).value;
  assert.deepEqual(left, []);
});

test("what a removed mount can never undo is given up, so that the mount can go", async () => {
  const { request, ask, state, intents, clock, doDueWork, store } = await service();
  state.stop = "after";
  await assert.rejects(ask("ann"));
  await request("DELETE", "sys/mounts/dir");
  state.rollbackFails = 1000;
  for (let i = 0; i < 12; i++) {
    await doDueWork().catch(() => undefined);
    clock.advance(601);
  }
  assert.equal(await intents(), 0);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/mounts/doomed/"))).value, []);
});

test("periodic work begins and confirms like a request", async () => {
  const { state, outside, intents, doDueWork } = await service();
  Object.assign(state, { periodicDue: true, periodicFails: true });
  await assert.rejects(doDueWork(), /the rotation failed/);
  await doDueWork();
  assert.deepEqual([outside.size, await intents()], [0, 0]);
  Object.assign(state, { periodicDue: true, periodicFails: false });
  await doDueWork();
  assert.deepEqual([[...outside], await intents()], [["rotated"], 0]);
});

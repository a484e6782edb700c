import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

const LOGINS = 300;
const PATIENCE_MS = 60_000;

test("what follows a mount, and who is counted, across nodes that die", async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const root = async () => cluster.client(await cluster.active());
  const first = await root();
  await first.request("POST", "sys/auth/people", { body: { type: "approle" } });
  await first.request("POST", "sys/policies/acl/reader", { body: { policy: 'path "secret/*" { capabilities = ["read"] }' } });
  await first.request("POST", "auth/people/role/ann", { body: { role_id: "ann", bind_secret_id: false, secret_id_bound_cidrs: "127.0.0.0/8", token_policies: "reader", token_ttl: "1h" } });
  const refusal = (error: unknown) => (error as { status?: number }).status;

  await t.test("a mount that is moved while the leader is killed: it is here or there, and keeps every lease", async () => {
    const made = await Promise.all(Array.from({ length: LOGINS }, async () => (await first.request("POST", "auth/people/login", { body: { role_id: "ann" } })).auth!));
    let at = "people";
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.active();
      const client = cluster.client(leader);
      const [from, to] = [`auth/${at}`, `auth/${at === "people" ? "staff" : "people"}`];
      const moving = client.send("POST", "sys/remount", { body: { from, to } }).then(({ status }) => status, () => 0);
      // At some moment of it: from before it arrives to after it is done.
      await new Promise((wake) => setTimeout(wake, round * 40));
      await leader.end("SIGKILL");
      await moving;
      const { data } = await until("another node is active", PATIENCE_MS, async () => (await root()).request<Record<string, unknown>>("GET", "sys/auth").catch(() => undefined));
      const paths = ["people/", "staff/"].filter((path) => path in data);
      assert.equal(paths.length, 1, `mounted at ${paths.join(" and ") || "neither"}`);
      at = paths[0]!.slice(0, -1);
      await cluster.revive(leader);
      const keys = (await (await root()).request<{ keys: string[] }>("GET", `sys/leases/lookup/auth/${at}/login`, { query: { list: "true" } })).data.keys;
      assert.deepEqual(keys.toSorted(), made.map(({ accessor }) => `h${accessor}`).toSorted());
    }
    const client = await root();
    // Of those above none may have come about; of this one both paths are known from then on.
    const next = at === "people" ? "staff" : "people";
    await client.request("POST", "sys/remount", { body: { from: `auth/${at}`, to: `auth/${next}` } });
    at = next;
    for (const { client_token: token, accessor } of made.slice(0, 20)) {
      await client.with({ token }).request("GET", "auth/token/lookup-self");
      for (const path of ["people", "staff"]) assert.equal((await client.request<{ id: string }>("POST", "sys/leases/lookup", { body: { lease_id: `auth/${path}/login/h${accessor}` } })).data.id, `auth/${at}/login/h${accessor}`);
    }
    await client.request("POST", "sys/leases/revoke-prefix/auth/" + at, { body: { sync: true } });
    assert.equal(await client.with({ token: made[0]!.client_token }).send("GET", "auth/token/lookup-self").catch(refusal), 403);
    if (at !== "people") await client.request("POST", "sys/remount", { body: { from: "auth/staff", to: "auth/people" } });
  });

  await t.test("a client of a standby is counted, and outlives the node that wrote it down", async () => {
    const { client_token: token } = (await (await root()).request("POST", "auth/token/create", { body: { policies: ["reader"], no_default_policy: true, ttl: "1h" } })).auth!;
    const [standby] = await cluster.standbys();
    assert.equal(await cluster.client(standby!).with({ token }).send("GET", "secret/data/none").catch(refusal), 404);
    const counts = async () => (await root()).request<{ entity_clients: number; non_entity_clients: number }>("GET", "sys/internal/counters/activity/monthly").then(({ data }) => [data.entity_clients, data.non_entity_clients].join(), () => "");
    await until("the active node was told", PATIENCE_MS, async () => (await counts()) === "1,1");
    await until("it is written down", PATIENCE_MS, async () => {
      const lines = await cluster.client(standby!).send("GET", "sys/internal/counters/activity/export").then(({ text }) => text, () => "");
      return lines.trim().split("\n").length === 2;
    });
    const leader = await cluster.active();
    await leader.end("SIGKILL");
    await until("the next active node counts the same", PATIENCE_MS, async () => (await counts()) === "1,1");
    await cluster.revive(leader);
  });
});

import assert from "node:assert/strict";
import test from "node:test";
import nodeVault from "node-vault";
import type { client as NodeVaultClient } from "node-vault";
import { startCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

/** `node-vault` untouched, as an application uses it: its methods, its LIST verbs, its checks of our answers. */
const connect = (endpoint: string, token?: string): NodeVaultClient => nodeVault({ apiVersion: "v1", endpoint, ...(token !== undefined && { token }) });

test("node-vault initialises, unseals and uses a cluster", async (t) => {
  const cluster = await startCluster({ bare: true });
  t.after(() => cluster.stop());
  const [first] = cluster.nodes;
  const vault = connect(first!.address);

  assert.deepEqual(await vault.initialized(), { initialized: false });
  const made = (await vault.init({ secret_shares: 3, secret_threshold: 2 })) as { keys: string[]; root_token: string };
  assert.equal(made.keys.length, 3);
  for (const node of cluster.nodes) {
    const one = connect(node.address);
    await until(`${node.id} may join`, 60_000, async () => ((await one.initialized()) as { initialized: boolean }).initialized || ((await one.status()) as { initialized: boolean }).initialized);
    assert.equal(((await one.unseal({ key: made.keys[0]! })) as { progress: number }).progress, 1);
    assert.equal(((await one.unseal({ key: made.keys[2]! })) as { sealed: boolean }).sealed, false);
  }
  vault.token = made.root_token;

  await t.test("mounts", async () => {
    await vault.mount({ mount_point: "app", type: "kv", description: "of the application", options: { version: "2" } });
    const mounts = (await vault.mounts()) as Record<string, { type: string; description: string }>;
    assert.equal(mounts["app/"]!.type, "kv");
    assert.equal(mounts["app/"]!.description, "of the application");
    await vault.mount({ mount_point: "old", type: "kv" });
    await vault.remount({ from: "old", to: "older" });
    await vault.unmount({ mount_point: "older" });
    assert.equal(((await vault.mounts()) as Record<string, unknown>)["older/"], undefined);
  });

  await t.test("KV: write, read, list with the LIST verb, delete, on every node", async () => {
    for (const [i, node] of cluster.nodes.entries()) {
      const one = connect(node.address, made.root_token);
      await one.write(`app/data/team/secret-${i}`, { data: { value: `v${i}` } });
      assert.equal(((await one.read(`app/data/team/secret-${i}`)) as { data: { data: { value: string } } }).data.data.value, `v${i}`);
    }
    const listed = (await connect(cluster.nodes[2]!.address, made.root_token).list("app/metadata/team")) as { data: { keys: string[] } };
    assert.deepEqual(listed.data.keys, ["secret-0", "secret-1", "secret-2"]);
    await vault.delete("app/metadata/team/secret-0");
    await assert.rejects(vault.read("app/data/team/secret-0"), /404/);
  });

  await t.test("policies and tokens", async () => {
    await vault.addPolicy({ name: "reader", rules: 'path "app/data/team/*" { capabilities = ["read"] }' });
    assert.ok(((await vault.policies()) as { policies: string[] }).policies.includes("reader"));
    assert.match(((await vault.getPolicy({ name: "reader" })) as { rules: string }).rules, /app\/data\/team/);
    // Creating a token makes the client use it: as an application would, it is another one.
    const created = (await connect(first!.address, made.root_token).tokenCreate({ policies: ["reader"], ttl: "1h", renewable: true })) as { auth: { client_token: string; accessor: string } };
    const reader = connect(cluster.nodes[1]!.address, created.auth.client_token);
    assert.equal(((await reader.read("app/data/team/secret-1")) as { data: { data: { value: string } } }).data.data.value, "v1");
    await assert.rejects(reader.write("app/data/team/secret-1", { data: { value: "mine" } }), /permission denied/);
    const self = (await reader.tokenLookupSelf()) as { data: { policies: string[]; accessor: string } };
    assert.deepEqual(self.data.policies, ["default", "reader"]);
    await reader.tokenRenewSelf({ increment: "2h" });
    await vault.tokenRevokeAccessor({ accessor: created.auth.accessor });
    await assert.rejects(reader.tokenLookupSelf(), /permission denied|bad token/);
    await vault.removePolicy({ name: "reader" });
  });

  await t.test("health, leader and capabilities", async () => {
    assert.equal(((await vault.health()) as { initialized: boolean }).initialized, true);
    assert.equal(typeof ((await vault.leader()) as { is_self: boolean }).is_self, "boolean");
    await vault.seal();
    assert.equal(((await vault.status()) as { sealed: boolean }).sealed, true);
  });
});

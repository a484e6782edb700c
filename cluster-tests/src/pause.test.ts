import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import { createRegister } from "./harness/history.js";
import type { NodeProcess } from "./harness/node-process.js";
import { until } from "./harness/until.js";

const PAUSE_MS = 5_000;
/** Longer than a request may wait inside a node that comes back. */
const READ_TIMEOUT_MS = 15_000;
const READERS = 16;
const TOKEN_TTL_SECONDS = 4;

async function write(cluster: TestCluster, node: NodeProcess, n: number): Promise<void> {
  await cluster.client(node).request("POST", "secret/data/pause", { body: { data: { n } } });
}

async function read(cluster: TestCluster, node: NodeProcess): Promise<number> {
  const { data } = await cluster.client(node).request<{ data: { n: number } }>("GET", "secret/data/pause", { timeoutMs: READ_TIMEOUT_MS });
  return data.data.n;
}

for (const [reads, storage] of [["by rounds", ""], ["by a lease", "  read_lease = true"]] as const) test(`a cluster whose leader is paused or killed, with reads ${reads}`, async (t) => {
  const cluster = await startCluster({ storage });
  t.after(() => cluster.stop());

  await t.test("a leader that was stopped for 5 s and resumes does not serve what was overwritten meanwhile", async () => {
    const old = await cluster.active();
    const others = cluster.nodes.filter((node) => node !== old);
    const register = createRegister("pause");
    register.begin(1);
    await write(cluster, old, 1);
    register.acknowledge(1);

    const stopped = performance.now();
    old.signal("SIGSTOP");
    await until("another node is active", 15_000, async () => (await Promise.all(others.map((node) => cluster.client(node).send("GET", "sys/health", { timeoutMs: 1000 }).then(({ status }) => status, () => 0)))).includes(200));
    for (let n = 2; n <= 20; n++) {
      register.begin(n);
      await write(cluster, others[n % 2]!, n);
      register.acknowledge(n);
    }
    // These wait in the sockets of the stopped process: it reads them first thing, thinking that it leads.
    const waiting = Array.from({ length: READERS }, async () => {
      const check = register.read();
      const value = await read(cluster, old).catch(() => undefined);
      if (value !== undefined) check(value);
      return value;
    });
    await sleep(PAUSE_MS - (performance.now() - stopped));
    old.signal("SIGCONT");
    const resumed = performance.now();
    let served = 0;
    while (performance.now() - resumed < 2_000 || served === 0) {
      assert.ok(performance.now() - resumed < 20_000, "the old leader serves no read again");
      const check = register.read();
      const value = await read(cluster, old).catch(() => undefined);
      if (value === undefined) continue;
      check(value);
      served += 1;
    }
    const answered = (await Promise.all(waiting)).filter((value) => value !== undefined);
    t.diagnostic(`reads served by the old leader after it resumed: ${served}; of ${READERS} that had waited: ${answered.length}`);
    assert.notEqual(await cluster.active(), old);
  });

  await t.test("a token's time goes on across a change of leader: neither lost nor begun again", async () => {
    const leader = await cluster.active();
    const [standby] = await cluster.standbys();
    const begin = performance.now();
    const created = await cluster.client(leader).request("POST", "auth/token/create", { body: { ttl: `${TOKEN_TTL_SECONDS}s`, policies: ["default"], renewable: false } });
    const { client_token: token, accessor } = created.auth!;
    await leader.end("SIGKILL");
    const self = cluster.client(standby!).with({ token });
    const lookUp = () => self.request<{ ttl: number }>("GET", "auth/token/lookup-self").then(({ data }) => data.ttl, (error: { status?: number }) => error.status ?? 0);
    const left = await until("the token is known after the change", 15_000, lookUp);
    // On a slow machine the change may outlast the token; then the refusal is all there is to see.
    const elapsed = (performance.now() - begin) / 1000;
    // A token begins at a whole second, and what is left is shown in whole seconds.
    if (left !== 403) assert.ok(left <= TOKEN_TTL_SECONDS && left >= TOKEN_TTL_SECONDS - elapsed - 2, `${left} s left after ${elapsed} s`);
    await until("the token is refused", 15_000, async () => (await lookUp()) === 403);
    assert.ok(performance.now() - begin >= (TOKEN_TTL_SECONDS - 1) * 1000, "refused before its time");
    await until("the new leader has removed the token", 15_000, async () => {
      const { data } = await cluster.client(standby!).request<{ keys: string[] }>("GET", "auth/token/accessors", { query: { list: "true" } });
      return !data.keys.includes(accessor);
    });
    await cluster.revive(leader);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { freeBase } from "./harness/ports.js";
import { coffer, startCommand } from "./harness/run-command.js";
import type { Finished } from "./harness/run-command.js";
import { until } from "./harness/until.js";

interface ClusterFile {
  readonly nodes: readonly { readonly id: string; readonly address: string; readonly cluster_address: string; readonly pid: number }[];
  readonly ca_file: string;
  readonly root_token: string;
  readonly unseal_keys: readonly string[];
}

const script = (name: string) => fileURLToPath(new URL(`../../scripts/${name}.mjs`, import.meta.url));
const run = (name: string, ...args: string[]): Promise<Finished> => startCommand(script(name), args).finished;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("up, down and up again, as a new user does it", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "coffer-up-"));
  const data = join(home, "data");
  const base = await freeBase([0, 1, 10, 11, 20, 21]);
  const up = (...args: string[]) => run("up", "--detach", `--data=${data}`, ...args);
  const down = () => run("down", "--data", data);
  const cluster = () => JSON.parse(readFileSync(join(data, "cluster.json"), "utf8")) as ClusterFile;
  t.after(async () => {
    await down();
    rmSync(home, { recursive: true, force: true });
  });
  const cli = (node: number, ...args: string[]) => coffer(args, { HOME: home, VAULT_ADDR: `https://127.0.0.1:${base + 10 * node}`, VAULT_CACERT: cluster().ca_file, VAULT_TOKEN: cluster().root_token });

  await t.test("options that make no sense are refused, with the reason, before anything is made", async () => {
    for (const [args, reason] of [[["--nodes", "x"], /--nodes takes a whole number/], [["--port=70000"], /--port takes a whole number/], [["--bogus"], /unknown argument --bogus[^]*usage:/], [["--port"], /--port needs a value/]] as const) {
      const refused = await run("up", `--data=${data}`, ...args);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, reason);
    }
    assert.throws(() => statSync(data), { code: "ENOENT" });
  });

  await t.test("a port that is taken is named, before anything is started", async () => {
    const other = createServer().listen(base + 11, "127.0.0.1");
    const refused = await up("--port", String(base));
    await new Promise((resolve) => other.close(resolve));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`port ${base + 11}, which node-2 needs, is in use`));
  });

  await t.test("up --detach returns when the cluster answers, and says where and how", async () => {
    const started = await up("--port", String(base));
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stdout, new RegExp(`Coffer answers at https://127.0.0.1:${base}\n`));
    assert.match(started.stdout, /node-1 +active[^]*node-2 +standby[^]*node-3 +standby/);
    const { nodes, ca_file: caFile, root_token: rootToken, unseal_keys: keys } = cluster();
    assert.equal(statSync(join(data, "cluster.json")).mode & 0o777, 0o600);
    assert.deepEqual(nodes.map(({ pid: _pid, ...node }) => node), [0, 1, 2].map((i) => ({ id: `node-${i + 1}`, address: `https://127.0.0.1:${base + 10 * i}`, cluster_address: `https://127.0.0.1:${base + 10 * i + 1}` })));
    assert.equal(caFile, join(data, "tls/ca.crt"));
    assert.match(rootToken, /^hvs\./);
    assert.equal(keys.length, 5);
    assert.ok(nodes.every(({ pid }) => isAlive(pid)));
    assert.ok(!started.stdout.includes(rootToken) && !started.stdout.includes(keys[0]!), "a secret was printed");
  });

  await t.test("the CLI works with what up printed, through any node", async () => {
    const put = await cli(2, "kv", "put", "secret/hello", "greeting=world");
    assert.equal(put.code, 0, put.stderr);
    assert.equal((await cli(0, "kv", "get", "-field=greeting", "secret/hello")).stdout.trim(), "world");
  });

  await t.test("a second up does not disturb the running cluster", async () => {
    const second = await up();
    assert.equal(second.code, 1);
    assert.match(second.stderr, /already running[^]*npm run down/);
    assert.equal((await cli(1, "kv", "get", "-field=greeting", "secret/hello")).stdout.trim(), "world");
  });

  await t.test("after down no process is left, and up finds the data", async () => {
    const { nodes } = cluster();
    const stopped = await down();
    assert.match(stopped.stdout, /stopped 3 nodes; the data stays/);
    assert.ok(nodes.every(({ pid }) => !isAlive(pid)));
    assert.match((await down()).stdout, /no node was running/);
    const elsewhere = await up("--port", String(base + 1));
    assert.match(elsewhere.stderr, /--fresh/);
    const again = await up();
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await cli(2, "kv", "get", "-field=greeting", "secret/hello")).stdout.trim(), "world");
  });

  await t.test("--fresh starts over, leaves other files alone, and Ctrl-C ends what runs in the foreground", async () => {
    writeFileSync(join(data, "notes.txt"), "mine");
    const before = cluster();
    const foreground = startCommand(script("up"), ["--fresh", "--nodes=1", "--data", data, "--port", String(base)]);
    await until("the cluster is up", 60_000, () => foreground.stdout().includes("Ctrl-C stops") || foreground.process.exitCode !== null);
    const { nodes, root_token: rootToken } = cluster();
    assert.equal(nodes.length, 1, foreground.stderr());
    assert.notEqual(rootToken, before.root_token);
    assert.ok(before.nodes.every(({ pid }) => !isAlive(pid)));
    assert.equal((await cli(0, "kv", "get", "secret/hello")).code, 2);
    assert.equal(readFileSync(join(data, "notes.txt"), "utf8"), "mine");
    foreground.process.kill("SIGINT");
    assert.equal((await foreground.finished).code, 0);
    assert.ok(!isAlive(nodes[0]!.pid));
  });
});

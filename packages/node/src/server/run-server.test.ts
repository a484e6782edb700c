import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { freePort } from "@coffer/counterparts";
import { temporaryFolder, until } from "./testing/test-node.js";

type Test = Parameters<typeof temporaryFolder>[0];

interface Plan {
  readonly folder: string;
  readonly apiPort: number;
  readonly clusterPort: number;
}

async function plan(t: Test, more: Partial<Plan> = {}): Promise<Plan> {
  return { folder: temporaryFolder(t), apiPort: await freePort(), clusterPort: await freePort(), ...more };
}

function configurationFile({ folder, apiPort, clusterPort }: Plan, name = "coffer.hcl"): string {
  const file = join(folder, name);
  writeFileSync(file, `listener "tcp" {
  address     = "127.0.0.1:${apiPort}"
  tls_disable = true
}
storage "raft" {
  path    = "${folder}/data"
  node_id = "n1"
}
api_addr     = "http://127.0.0.1:${apiPort}"
cluster_addr = "https://127.0.0.1:${clusterPort}"
log_file     = "${folder}/log"
pid_file     = "${folder}/pid"
`);
  return file;
}

/** A server as a process of its own. */
function serverWith(t: Test, configFile: string) {
  const options = { configPaths: [configFile], logLevel: undefined, logFormat: undefined };
  // A file, because the raft thread inherits what this process was started with.
  const script = `${configFile}.mjs`;
  writeFileSync(script, `import { runServer } from ${JSON.stringify(new URL("./run-server.js", import.meta.url).href)}; process.exitCode = await runServer(${JSON.stringify(options)});`);
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  t.after(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return { child, exit, output: () => output };
}

const logOf = ({ folder }: Plan) => (existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "");
const isUp = ({ apiPort }: Plan) => fetch(`http://127.0.0.1:${apiPort}/v1/sys/seal-status`).then(({ ok }) => ok, () => false);
const call = (at: Plan, path: string, body: object) => fetch(`http://127.0.0.1:${at.apiPort}/v1/${path}`, { method: "PUT", body: JSON.stringify(body) });

test("SIGHUP opens the log file anew, SIGTERM ends in order and with 0", async (t) => {
  const at = await plan(t);
  const server = serverWith(t, configurationFile(at));
  await until("it answers", () => isUp(at));
  assert.equal(readFileSync(join(at.folder, "pid"), "utf8").trim(), String(server.child.pid));
  const made = await call(at, "sys/init", { secret_shares: 1, secret_threshold: 1 });
  assert.equal(made.status, 200, logOf(at));
  const { keys } = (await made.json()) as { keys: string[] };
  assert.ok((await call(at, "sys/unseal", { key: keys[0] })).ok);
  renameSync(join(at.folder, "log"), join(at.folder, "log.1"));
  server.child.kill("SIGHUP");
  await until("the log file is there again", () => existsSync(join(at.folder, "log")));
  assert.ok(await isUp(at));
  server.child.kill("SIGTERM");
  assert.equal(await server.exit, 0);
  assert.match(logOf(at), /stopping: reason=SIGTERM[\s\S]*stopped/);
  assert.ok(!existsSync(join(at.folder, "pid")));
  assert.ok(!logOf(at).includes(keys[0]!) && !server.output().includes(keys[0]!));
});

test("an API port in use ends the start with its address, and code 1", async (t) => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  t.after(() => void blocker.close());
  const at = await plan(t, { apiPort: (blocker.address() as AddressInfo).port });
  const server = serverWith(t, configurationFile(at));
  assert.equal(await server.exit, 1);
  assert.match(logOf(at), new RegExp(`the server could not start.*127.0.0.1:${at.apiPort}`));
});

test("a data folder that another process has in use is left alone", async (t) => {
  const at = await plan(t);
  const first = serverWith(t, configurationFile(at));
  await until("it answers", () => isUp(at));
  const second = serverWith(t, configurationFile({ ...at, apiPort: await freePort(), clusterPort: await freePort() }, "second.hcl"));
  assert.equal(await second.exit, 1);
  assert.match(logOf(at), /the data folder .*data is in use by another process/);
  assert.ok(await isUp(at));
  first.child.kill("SIGTERM");
  assert.equal(await first.exit, 0);
});

test("a configuration that makes no sense ends the start with code 1", async (t) => {
  const at = await plan(t);
  const bad = join(at.folder, "bad.hcl");
  writeFileSync(bad, "listener {");
  const server = serverWith(t, bad);
  assert.equal(await server.exit, 1);
  assert.match(server.output(), /the configuration cannot be used/);
});

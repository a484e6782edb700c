import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { freePorts } from "@coffer/counterparts";
import { COFFER } from "./harness/node-process.js";
import { coffer, startCommand } from "./harness/run-command.js";
import { until } from "./harness/until.js";

function temporaryFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-server-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("coffer server -dev prints its root token, has KV v2 at secret/, and ends with 0 on SIGINT", async (t) => {
  const home = temporaryFolder(t);
  const [port] = await freePorts(1);
  const address = `http://127.0.0.1:${port}`;
  const server = startCommand(COFFER, ["server", "-dev", `-dev-listen-address=127.0.0.1:${port}`], { HOME: home });
  t.after(() => void server.process.kill("SIGKILL"));
  const token = await until("the root token is printed", 60_000, () => /^Root Token: (\S+)$/m.exec(server.stdout())?.[1]);
  assert.match(server.stdout(), new RegExp(`export VAULT_ADDR='${address}'`));
  assert.match(server.stdout(), /^Unseal Key: \S{44}$/m);

  const cli = (...args: string[]) => coffer(args, { HOME: home, VAULT_ADDR: address });
  // The token comes from ~/.vault-token, which the dev server wrote.
  assert.equal(readFileSync(join(home, ".vault-token"), "utf8"), token);
  assert.equal(statSync(join(home, ".vault-token")).mode & 0o777, 0o600);
  const put = await cli("kv", "put", "secret/hello", "greeting=world");
  assert.equal(put.code, 0, put.stderr);
  assert.equal((await cli("kv", "get", "-field=greeting", "secret/hello")).stdout.trim(), "world");
  assert.match((await cli("secrets", "list", "-detailed")).stdout, /^secret\/ .*version:2/m);
  assert.match((await cli("status")).stdout, /Storage Type +inmem/);
  assert.equal(server.stderr().includes(token), false);

  server.process.kill("SIGINT");
  assert.equal((await server.finished).code, 0);
});

test("a configuration that cannot be used ends the server with 1 and says where it is wrong", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "coffer.hcl");
  const listener = 'listener "tcp" {\n  address     = "127.0.0.1:0"\n  tls_disable = true\n}\n';
  const cases: readonly [text: string, place: string, problem: RegExp][] = [
    [`${listener}storage "raft" {\n  path = "${folder}/data"\n  node_id = \n}\n`, "8:1", /expected a value/],
    [`${listener}storage "raft" {\n  path    = "${folder}/data"\n  node_id = "a"\n  shards  = 3\n}\n`, "8:3", /shards/],
    [`listener "tcp" {\n  address = "nowhere"\n  tls_disable = true\n}\nstorage "inmem" {}\n`, "2:", /host:port/],
    [`${listener}storage "inmem" {}\nlog_format = "xml"\n`, "6:", /standard.*json/],
  ];
  for (const [text, place, problem] of cases) {
    writeFileSync(file, text);
    const { code, stdout, stderr } = await coffer(["server", `-config=${file}`], {});
    assert.equal(code, 1, stderr);
    assert.match(stderr, new RegExp(`${file}:${place}\\d*:`), `no place in: ${stderr}`);
    assert.match(stderr, problem);
    assert.doesNotMatch(stderr, /\n {4}at /, "a stack trace");
    assert.equal(stdout, "");
  }
  const missing = await coffer(["server", `-config=${folder}/missing.hcl`], {});
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /missing\.hcl/);
});

test("coffer operator diagnose tells what it finds by its exit code, as text and as JSON", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "coffer.hcl");
  const [port, clusterPort] = await freePorts(2);
  const configuration = (tls: string) => `listener "tcp" {\n  address = "127.0.0.1:${port}"\n  ${tls}\n}\nstorage "raft" {\n  path    = "${folder}/data"\n  node_id = "a"\n}\napi_addr = "http://127.0.0.1:${port}"\ncluster_addr = "https://127.0.0.1:${clusterPort}"\n`;
  writeFileSync(file, configuration("tls_disable = true"));
  const warned = await coffer(["operator", "diagnose", `-config=${file}`], {});
  assert.equal(warned.code, 2, warned.stderr);
  assert.match(warned.stdout, /^Results:\n\[ warning \] Vault Diagnose\n {2}\[ \w+ \] Check Operating System\n/);
  assert.match(warned.stdout, /\n {4}\[ warning \] Check Listener TLS 127\.0\.0\.1:\d+: TLS is off/);
  const json = await coffer(["operator", "diagnose", `-config=${file}`, "-format=json", "-skip=listener", "-skip=storage"], {});
  const { name, children } = JSON.parse(json.stdout) as { name: string; children: { name: string; status: string }[] };
  assert.deepEqual([name, children.find((child) => child.name === "Start Listeners")?.status], ["Vault Diagnose", "skip"]);
  writeFileSync(file, configuration(`tls_cert_file = "${folder}/a.pem"\n  tls_key_file = "${folder}/a.key"`));
  const failed = await coffer(["operator", "diagnose", `-config=${file}`], {});
  assert.deepEqual([failed.code, /\[ failure \] Check Listener TLS .*ENOENT/.test(failed.stdout)], [1, true]);
  assert.equal((await coffer(["operator", "diagnose"], {})).code, 3);
  assert.match((await coffer(["operator", "diagnose", `-config=${file}`, "-skip=moon"], {})).stderr, /-skip takes listener, storage, autounseal/);
});

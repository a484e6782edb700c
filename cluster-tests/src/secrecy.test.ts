import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { raft } from "@coffer/client";
import { startCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { until } from "./harness/until.js";

interface AuditLine {
  readonly type: "request" | "response";
  readonly request: { readonly id: string; readonly operation: string; readonly path: string };
}

const auditFile = (node: { readonly folder: string }) => join(node.folder, "audit.log");
/** Audit devices are the cluster's, not a node's: the relative path is what puts each node's file into its own folder. */
const AUDITED = 'log_level = "trace"\naudit_device "file" {\n  path = "audit.log"\n}';
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "").split("\n").filter(Boolean).map((line) => JSON.parse(line) as AuditLine);
const linesAbout = (node: NodeProcess, requestId: string) => linesOf(auditFile(node)).filter(({ request }) => request.id === requestId).map(({ type }) => type);

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

/** As it is, and as base64 and hex would show it wherever it begins. */
function spellings(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  // Without the first and last letters, which depend on what stands around.
  const base64 = [0, 1, 2].map((shift) => Buffer.from(Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").slice(4, -4)));
  return [bytes, Buffer.from(bytes.toString("hex")), ...base64];
}

test("what is secret is not written down, and what happened is", async (t) => {
  const cluster = await startCluster({ extra: AUDITED });
  t.after(() => cluster.stop());
  const active = await cluster.active();
  const [standby] = await cluster.standbys();
  assert.ok(standby);
  const canary = randomBytes(24).toString("base64");
  let childToken = "";
  const wrongToken = `hvs.${randomBytes(18).toString("base64url")}`;

  await t.test("the node that serves a request writes its audit lines, and no other does", async () => {
    const read = (node: NodeProcess) => cluster.client(node).request("GET", "secret/data/audited");
    const written = await cluster.client(standby).request("POST", "secret/data/audited", { body: { data: { canary } } });
    assert.deepEqual(linesAbout(active, written.request_id), ["request", "response"], "a forwarded write");
    assert.deepEqual(linesAbout(standby, written.request_id), []);
    for (const node of cluster.nodes) {
      const { request_id: id } = await read(node);
      for (const other of cluster.nodes) assert.deepEqual(linesAbout(other, id), other === node ? ["request", "response"] : [], `asked ${node.id}, looked at ${other.id}`);
    }
  });

  await t.test("neither secrets nor tokens nor keys are in any file of any node", async () => {
    const client = cluster.client(standby);
    const created = await client.request("POST", "auth/token/create", { body: { policies: ["default"], ttl: "1h" } });
    childToken = created.auth!.client_token;
    await client.with({ token: childToken }).request("GET", "auth/token/lookup-self");
    // What goes wrong is logged and audited as well.
    await assert.rejects(client.with({ token: childToken }).request("POST", "secret/data/audited", { body: { data: { canary } } }), { status: 403 });
    await assert.rejects(client.with({ token: wrongToken }).request("GET", "secret/data/audited"), { status: 403 });
    await assert.rejects(client.request("POST", "secret/data/audited", { rawBody: `{"data": {"canary": "${canary}"` }), { status: 400 });
    await assert.rejects(client.request("POST", "auth/token/create", { body: { ttl: canary } }), { status: 400 });
    await assert.rejects(client.request("PUT", "sys/policies/acl/broken", { body: { policy: `path "${canary}" {` } }), { status: 400 });
    const chunks: Buffer[] = [];
    for await (const chunk of await raft.saveSnapshot(cluster.client(active))) chunks.push(chunk as Buffer);
    writeFileSync(join(cluster.folder, "snapshot.tar"), gunzipSync(Buffer.concat(chunks)));
    await Promise.all(cluster.nodes.map((node) => node.end("SIGTERM")));

    const files = filesBelow(cluster.folder).map((path) => ({ path, bytes: readFileSync(path) }));
    const holding = (needle: Buffer) => files.filter(({ bytes }) => bytes.includes(needle)).map(({ path }) => path);
    assert.ok(files.some(({ path }) => path.includes("/data/")), "the data was not looked at");
    assert.ok(holding(Buffer.from("secret/data/audited")).length >= cluster.nodes.length, "the search finds nothing at all");
    const secrets = { canary, "root token": cluster.rootToken, "child token": childToken, "wrong token": wrongToken, ...Object.fromEntries(cluster.keys.map((key, i) => [`unseal key ${i + 1}`, key])) };
    for (const [name, secret] of Object.entries(secrets)) {
      for (const spelling of spellings(secret)) assert.deepEqual(holding(spelling), [], `the ${name}, as ${spelling.length} bytes`);
    }
    for (const key of cluster.keys) {
      const bytes = Buffer.from(key, "base64");
      assert.deepEqual(holding(bytes), [], "an unseal key's bytes");
      assert.deepEqual(holding(Buffer.from(bytes.toString("hex"))), [], "an unseal key in hex");
    }
    for (const node of cluster.nodes) node.start();
    for (const node of cluster.nodes) await cluster.unseal(node);
  });

  await t.test("SIGHUP begins a new audit file after a rename, and takes up the log level", async () => {
    const node = await cluster.active();
    const client = cluster.client(node);
    const level = async () => Object.values((await client.request<Record<string, string>>("GET", "sys/loggers")).data);
    assert.ok((await level()).every((one) => one === "trace"));
    const rotated = `${auditFile(node)}.1`;
    renameSync(auditFile(node), rotated);
    const before = await client.request("GET", "secret/data/audited");
    assert.equal(linesOf(rotated).at(-1)!.request.id, before.request_id, "it writes to the renamed file until told");

    const configuration = join(node.folder, "coffer.hcl");
    writeFileSync(configuration, readFileSync(configuration, "utf8").replace('log_level = "trace"', 'log_level = "warn"'));
    node.signal("SIGHUP");
    await until("the new log level", 60_000, async () => (await level()).every((one) => one === "warn"));
    await until("the new audit file", 60_000, () => existsSync(auditFile(node)));
    const length = linesOf(rotated).length;
    const after = await client.request("GET", "secret/data/audited");
    assert.deepEqual(linesAbout(node, after.request_id), ["request", "response"]);
    assert.equal(linesOf(rotated).length, length);
  });
});

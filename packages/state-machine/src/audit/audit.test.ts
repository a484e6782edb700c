import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";
import { declareAudit } from "./declare.js";
import { auditDevices } from "./device.js";
import { createFileWriter } from "./file-writer.js";

interface Audited extends Rig {
  readonly file: string;
  /** The parsed lines since the last call. */
  lines(): any[]; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into lines of many shapes
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "audit-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function audited(t: TestContext, options: Record<string, string> = {}): Promise<Audited> {
  const file = join(folder(t), "logs", "audit.log");
  const rig = await createRig();
  const { status, text } = await rig.ask("update", "sys/audit/file", { type: "file", options: { file_path: file, ...options } });
  assert.equal(status, 204, text);
  let seen = 0;
  const lines = () => {
    const all = readFileSync(file, "utf8").split("\n").slice(0, -1);
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh.map((line) => JSON.parse(line.slice(options["prefix"]?.length ?? 0)));
  };
  lines();
  return { ...rig, file, lines };
}

test("enabling tries the device out, and is the first answer in it", async (t) => {
  const rig = await createRig();
  const file = join(folder(t), "audit.log");
  await rig.ask("update", "sys/audit/file", { type: "file", options: { file_path: file } });
  const [tried, enabled] = readFileSync(file, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assert.deepEqual([tried.type, tried.request.path, tried.auth], ["request", "sys/audit/test", { token_type: "default" }]);
  assert.deepEqual([enabled.type, enabled.request.path, enabled.request.operation], ["response", "sys/audit/file", "update"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("success and failure both leave a request and a response, with who asked and whether it was allowed", async (t) => {
  const rig = await audited(t);
  await rig.policy("p", 'path "kv/a" { capabilities = ["read"] }');
  const bearer = await rig.token(["p"]);
  rig.lines();
  await rig.ask("update", "kv/a", { b: "x" });
  const [asked, answered] = rig.lines();
  assert.deepEqual([asked.type, answered.type], ["request", "response"]);
  assert.equal(asked.request.id, answered.request.id);
  assert.deepEqual(asked.auth.policy_results, { allowed: true, granting_policies: [{ name: "root", namespace_id: "root", type: "acl" }] });
  assert.deepEqual([asked.auth.display_name, asked.auth.token_policies, asked.auth.token_type], ["root", ["root"], "service"]);
  assert.deepEqual([asked.request.mount_point, asked.request.mount_type, asked.request.mount_class, asked.request.namespace], ["kv/", "kv", "secret", { id: "root" }]);
  assert.deepEqual([asked.request.remote_address, asked.request.remote_port], ["127.0.0.1", 1234]);

  await rig.ask("read", "kv/b", undefined, { token: bearer });
  const denied = rig.lines();
  assert.deepEqual(denied.map(({ type, error }) => [type, error]), [["request", "1 error occurred:\n\t* permission denied\n\n"], ["response", "1 error occurred:\n\t* permission denied\n\n"]]);
  assert.deepEqual(denied[0].auth.policy_results, { allowed: false });
  assert.deepEqual(denied[0].auth.policies, ["p"]);

  await rig.ask("read", "kv/a", undefined, { token: "hvs.bad" });
  assert.deepEqual(rig.lines().map(({ type, auth }) => [type, auth]), [["request", { token_type: "default" }], ["response", { token_type: "default" }]]);
  await rig.ask("update", "kv/a", "{bad");
  assert.deepEqual(rig.lines().map(({ type, error }) => [type, error]), [["request", "invalid request"], ["response", "invalid request"]]);
  await rig.ask("read", "counter/fail/badly");
  assert.deepEqual(rig.lines().map(({ type, error }) => [type, error]), [["request", undefined], ["response", "internal error"]]);
  await rig.ask("help", "kv/a");
  assert.deepEqual(rig.lines().map(({ type, request }) => [type, request.operation]), [["request", "help"], ["response", "help"]]);
  await rig.ask("read", "sys/health", undefined, { token: null });
  assert.deepEqual(rig.lines(), [], "what a sealed node answers too is not audited");
});

test("a write is on record as create or update, by what was there before", async (t) => {
  const rig = await audited(t);
  const operations = async (...asked: Parameters<Rig["ask"]>) => {
    await rig.ask(...asked);
    return rig.lines().map(({ request }) => request.operation);
  };
  assert.deepEqual(await operations("update", "kv/a", { b: 1 }), ["create", "create"]);
  assert.deepEqual(await operations("update", "kv/a", { b: 2 }), ["update", "update"]);
  assert.deepEqual(await operations("update", "counter/next/a", {}), ["update", "update"]);
  assert.deepEqual(await operations("read", "kv/a"), ["read", "read"]);
  assert.deepEqual(await operations("update", "kv/z", { b: 2 }, { token: await rig.token([]) }), ["create", "create"]);
});

test("nothing secret is in the file: tokens, accessors, bodies, answers, errors", async (t) => {
  const rig = await audited(t);
  const wrap = { headers: { "x-vault-wrap-ttl": "60" } };
  await rig.ask("update", "kv/a", { password: "body-secret", deep: [{ er: "body-secret-2" }] });
  await rig.ask("read", "kv/a");
  await rig.ask("read", "leased/creds/app");
  const login = await rig.ask("update", "auth/login/login/bob", { password: "let-me-in" }, { token: null });
  await rig.ask("update", "auth/login/login/bob", { password: "wrong-password" }, { token: null });
  const { token, accessor } = (await rig.ask("read", "kv/a", undefined, wrap)).body.wrap_info;
  await rig.ask("update", "sys/wrapping/unwrap", { token });
  const again = (await rig.ask("read", "kv/a", undefined, wrap)).body.wrap_info.token;
  const moved = (await rig.ask("update", "sys/wrapping/rewrap", { token: again })).body.wrap_info.token;
  await rig.ask("update", "kv/a", '{"broken-secret');
  await rig.ask("update", "counter/next/a", { by: "text-secret" });
  await rig.ask("read", "kv/a", undefined, { token: "hvs.guessed-secret" });
  const text = readFileSync(rig.file, "utf8");
  const secrets = [rig.root, "body-secret", "made-for-app", "let-me-in", "wrong-password", token, accessor, again, moved, login.body.auth.client_token, login.body.auth.accessor, "broken-secret", "text-secret", "guessed-secret"];
  for (const secret of secrets) {
    assert.ok(typeof secret === "string" && secret.length > 8);
    assert.ok(!text.includes(secret), secret);
  }
  assert.match(text, /"wrap_info":\{"token":"hmac-sha256:/);
  assert.match(text, /"path":"sys\/wrapping\/unwrap".*"response":\{.*"data":\{"password":"hmac-sha256:/);
});

test("audit-hash gives the HMAC that the file holds", async (t) => {
  const rig = await audited(t);
  await rig.ask("update", "kv/a", { b: "needle", n: 5, yes: true, none: null });
  const [asked] = rig.lines();
  const { body } = await rig.ask("update", "sys/audit-hash/file", { input: "needle" });
  assert.match(body.hash, /^hmac-sha256:[0-9a-f]{64}$/);
  assert.deepEqual(asked.request.data, { b: body.hash, n: 5, yes: true, none: null });
  assert.deepEqual((await rig.ask("update", "sys/audit-hash/file", { input: rig.root })).body.data.hash, asked.request.client_token);
  assert.deepEqual((await rig.ask("update", "sys/audit-hash/none", { input: "x" })).body, { errors: ['unknown audit backend "none/"'] });
});

test("devices share what they have in common, and hash by their own salts", async (t) => {
  const rig = await createRig();
  const path = folder(t);
  const options = { one: {}, two: { prefix: "@cee: " }, open: { hmac_accessor: "false" }, raw: { log_raw: "true" }, again: { log_raw: "true" }, without: { exclude: '[{"fields":["/request/namespace"]}]' }, xml: { format: "jsonx" } };
  for (const [name, more] of Object.entries(options)) await rig.ask("update", `sys/audit/${name}`, { type: "file", options: { file_path: join(path, name), ...more } });
  const secret = "a \\ \"secret\" <&> of\n9f.2. letters";
  for (let i = 0; i < 2; i++) await rig.ask("update", "kv/a", { secret, list: [secret, 1], n: 5 });
  const lines = (name: string) => readFileSync(join(path, name), "utf8").split("\n").filter((line) => line.includes("kv/a"));
  const hash = async (name: string, input: string) => (await rig.ask("update", `sys/audit-hash/${name}`, { input })).body.hash as string;
  const accessor = (await rig.ask("read", "auth/token/lookup-self")).body.data.accessor as string;
  for (const name of ["one", "two", "open", "without"]) {
    const hashed = await hash(name, secret);
    for (const line of lines(name)) {
      const { auth, request } = JSON.parse(line.replace("@cee: ", ""));
      assert.deepEqual([request.data, request.client_token, auth.client_token], [{ secret: hashed, list: [hashed, 1], n: 5 }, await hash(name, rig.root), await hash(name, rig.root)], name);
      assert.equal(auth.accessor, name === "open" ? accessor : await hash(name, accessor));
    }
  }
  assert.notEqual(await hash("one", secret), await hash("two", secret));
  assert.deepEqual(lines("raw"), lines("again"));
  assert.equal(JSON.parse(lines("raw")[0]!).request.data.secret, secret);
  assert.ok(lines("xml").every((line) => line.startsWith("<json:object")) && lines("xml")[0]!.includes(await hash("xml", secret)));
});

test("options: hmac_accessor, log_raw, prefix, elide_list_responses", async (t) => {
  const plain = await audited(t, { hmac_accessor: "false" });
  await plain.ask("read", "kv/a");
  const accessor = plain.lines()[0].auth.accessor;
  assert.match(accessor, /^[A-Za-z0-9]{24}$/);
  await plain.ask("read", "auth/token/lookup-self");
  assert.equal(plain.lines().at(-1).response.data.accessor, accessor);

  const raw = await audited(t, { log_raw: "true" });
  await raw.ask("update", "kv/a", '{"b":"clear","n":12345678901234567890}');
  const [asked] = raw.lines();
  assert.deepEqual([asked.request.data.b, asked.request.client_token], ["clear", raw.root]);
  assert.match(readFileSync(raw.file, "utf8"), /12345678901234567890/);

  const prefixed = await audited(t, { prefix: "@cee: ", elide_list_responses: "true" });
  await prefixed.ask("update", "kv/a", { b: 1 });
  await prefixed.ask("list", "kv/");
  assert.deepEqual(prefixed.lines().at(-1).response.data, { keys: 1 });
  assert.ok(readFileSync(prefixed.file, "utf8").split("\n").slice(0, -1).every((line) => line.startsWith("@cee: {")));
});

test("exclude: fields that match a condition, looked at as the record was before", async (t) => {
  const rules = [
    { condition: '"/request/mount_type" == kv and "/request/operation" != read', fields: ["/request/data", "/request/mount_type", "/response/data/none"] },
    { condition: '"/request/mount_type" == "kv"', fields: ["/auth/policies/0", "/request/namespace/id"] },
    { fields: ["/request/remote_port"] },
  ];
  const { ask, lines } = await audited(t, { exclude: JSON.stringify(rules) });
  await ask("update", "kv/a", { b: 1 });
  await ask("read", "sys/policies/acl/default");
  await ask("read", "kv/a");
  const [written, , counted, , read, answered] = lines().slice(-6);
  assert.deepEqual([written.request.data, written.request.mount_type, written.request.namespace, written.auth.policies, written.request.remote_port], [undefined, undefined, {}, [], undefined]);
  assert.equal(counted.request.mount_type, "system");
  assert.deepEqual([counted.request.namespace, counted.auth.policies, "remote_port" in counted.request], [{ id: "root" }, ["root"], false]);
  assert.deepEqual([read.request.mount_type, read.auth.policies, Object.keys(answered.response.data)], ["kv", [], ["b"]]);
});

test("format=jsonx: the record's members as XML on one line", async (t) => {
  const rig = await createRig();
  const file = join(folder(t), "audit.log");
  await rig.ask("update", "sys/audit/file", { type: "file", options: { file_path: file, format: "jsonx", log_raw: "true" } });
  await rig.ask("update", "kv/a", { text: "<&\"\n\u0000", list: [1, true, null], big: "x" });
  const [line] = readFileSync(file, "utf8").split("\n").filter((one) => one.includes("kv/a"));
  assert.match(line!, /^<json:object name="auth"><json:string name="accessor">/);
  assert.match(line!, /<json:object name="data"><json:string name="big">x<\/json:string><json:array name="list"><json:number>1<\/json:number><json:boolean>true<\/json:boolean><json:null \/><\/json:array><json:string name="text">&lt;&amp;&#34;&#xA;\ufffd<\/json:string><\/json:object>/);
  assert.match(line!, /<json:string name="type">request<\/json:string>$/);
  assert.equal(spawnSync("python3", ["-c", "import sys,xml.dom.minidom as m; m.parseString('<json:object xmlns:json=\"http://www.ibm.com/xmlns/prod/2009/jsonx\">'+sys.stdin.read()+'</json:object>')"], { input: line! }).status, 0, "it is well-formed");
});

test("a mount can show fields in clear, but not those that are always secret", async (t) => {
  const rig = await audited(t);
  await rig.ask("update", "sys/mounts/kv/tune", { audit_non_hmac_request_keys: ["user"], audit_non_hmac_response_keys: ["host"] });
  await rig.ask("update", "kv/a", { user: "bob", host: "db", password: "x" });
  await rig.ask("read", "kv/a");
  const [, , asked, , , answered] = rig.lines();
  assert.equal(asked.request.data.user, "bob");
  assert.match(asked.request.data.host, /^hmac/);
  assert.equal(answered.response.data.host, "db");
  assert.match(answered.response.data.user, /^hmac/);
  await rig.ask("update", "sys/auth/login/tune", { audit_non_hmac_request_keys: "password" });
  rig.lines();
  await rig.ask("update", "auth/login/login/bob", { password: "let-me-in" }, { token: null });
  assert.match(rig.lines()[0].request.data.password, /^hmac/);
});

test("only configured request headers are recorded, in clear or hashed", async (t) => {
  const rig = await audited(t);
  const headers = { "x-plain": "one", "x-hashed": "two", "x-other": "three" };
  await rig.ask("read", "kv/a", undefined, { headers });
  assert.equal(rig.lines()[0].request.headers, undefined);
  await rig.ask("update", "sys/config/auditing/request-headers/X-Plain", {});
  await rig.ask("update", "sys/config/auditing/request-headers/x-hashed", { hmac: true });
  rig.lines();
  await rig.ask("read", "kv/a", undefined, { headers });
  const recorded = rig.lines()[0].request.headers;
  assert.deepEqual(Object.keys(recorded), ["x-plain", "x-hashed"]);
  assert.deepEqual(recorded["x-plain"], ["one"]);
  assert.match(recorded["x-hashed"][0], /^hmac-sha256:/);
  assert.deepEqual((await rig.ask("read", "sys/config/auditing/request-headers")).body.headers, { "x-plain": { hmac: false }, "x-hashed": { hmac: true } });
  await rig.ask("delete", "sys/config/auditing/request-headers/x-plain");
  assert.equal((await rig.ask("read", "sys/config/auditing/request-headers/x-plain")).status, 400);
});

test("when no device can write, the request fails and changes nothing; with another one it goes on", async (t) => {
  const rig = await createRig();
  const dead = { type: "file", options: { file_path: "/dev/full", skip_test: "true" } };
  assert.equal((await rig.ask("update", "sys/audit/full", { type: "file", options: { file_path: "/dev/full" } })).status, 400);
  assert.deepEqual((await rig.ask("read", "sys/audit")).body.data, {});
  const enabled = await rig.ask("update", "sys/audit/full", dead);
  assert.equal(enabled.status, 500, "its own answer cannot be recorded");
  const index = rig.store.index();
  for (const reply of [await rig.ask("update", "kv/a", { b: "x" }), await rig.ask("read", "sys/mounts"), await rig.ask("help", "kv/a")]) {
    assert.equal(reply.status, 500);
    assert.deepEqual(reply.body, { errors: ["failed to write to the audit log: no enabled audit device could take the record"] });
  }
  assert.equal(rig.store.index(), index, "nothing was written");
  assert.equal((await rig.ask("read", "sys/health", undefined, { token: null })).status, 200);
  assert.ok(rig.audit.counts.failures >= 4);

  const good = join(folder(t), "audit.log");
  await rig.store.transact((tx) => void declareAudit(tx.scoped("core/"), [{ path: "good/", type: "file", description: "", options: { file_path: good } }], rig.env));
  assert.equal((await rig.ask("update", "kv/a", { b: "x" })).status, 204);
  assert.equal(readFileSync(good, "utf8").split("\n").length, 3);
});

test("an answer that cannot be recorded is not given", async (t) => {
  const path = folder(t);
  const file = join(path, "audit.log");
  const rig = await createRig();
  await rig.ask("update", "kv/a", { b: "answer-secret" });
  await rig.ask("update", "sys/audit/file", { type: "file", options: { file_path: file } });
  // Between the two lines of the request, the file turns into one that takes nothing.
  const reading = rig.ask("read", "kv/a");
  renameSync(file, `${file}.1`);
  symlinkSync("/dev/full", file);
  rig.audit.reopen();
  const reply = await reading;
  assert.equal(reply.status, 500);
  assert.doesNotMatch(reply.text, /answer-secret/);
  assert.match(readFileSync(`${file}.1`, "utf8"), /"type":"request".*"path":"kv\/a"/);
});

test("lines of concurrent requests never interleave", async (t) => {
  const rig = await audited(t);
  await Promise.all(Array.from({ length: 200 }, (_, i) => rig.ask("update", `kv/${i}`, { b: "x".repeat(i * 50) })));
  const lines = rig.lines();
  assert.equal(lines.length, 400);
  const requests = new Set(lines.filter(({ type }) => type === "request").map(({ request }) => request.id));
  assert.equal(requests.size, 200);
});

test("after rotation the file is opened anew, and no line is lost or torn", async (t) => {
  const rig = await audited(t);
  const asking = Array.from({ length: 50 }, (_, i) => rig.ask("read", `kv/${i}`));
  renameSync(rig.file, `${rig.file}.1`);
  rig.audit.reopen();
  await Promise.all(asking);
  await rig.ask("read", "kv/last");
  const both = [`${rig.file}.1`, rig.file].flatMap((file) => readFileSync(file, "utf8").split("\n").slice(0, -1)).map((line) => JSON.parse(line));
  assert.equal(both.filter(({ type, request }) => type === "response" && request.path.startsWith("kv/")).length, 51);
  assert.match(readFileSync(rig.file, "utf8"), /"path":"kv\/last"/);
  rmSync(rig.file);
  rmSync(`${rig.file}.1`);
  writeFileSync(`${rig.file}`, "");
  assert.deepEqual(rig.problems, []);
});

test("a rotation that cannot open the file goes on where it was, and is reported", async (t) => {
  const rig = await audited(t);
  renameSync(rig.file, `${rig.file}.1`);
  symlinkSync(join(rig.file, "..", "..", "..", "no", "such"), rig.file);
  // The folder of a link's target is not made.
  rig.audit.reopen();
  assert.equal((await rig.ask("read", "kv/a")).status, 404);
  assert.equal(rig.problems.length, 1);
  assert.match(readFileSync(`${rig.file}.1`, "utf8"), /"path":"kv\/a"/);
});

test("disabling the last device answers, and the next request is free of it", async (t) => {
  const rig = await audited(t);
  assert.equal((await rig.ask("delete", "sys/audit/file")).status, 204);
  assert.deepEqual(rig.lines().map(({ type, request }) => [type, request.path]), [["request", "sys/audit/file"]]);
  assert.equal(rig.handle("read", "kv/a") instanceof Promise, false);
  assert.equal((await rig.ask("delete", "sys/audit/none")).status, 204);
});

test("sys/audit: list, and what it refuses", async (t) => {
  const rig = await audited(t);
  const { body } = await rig.ask("read", "sys/audit");
  assert.deepEqual(body.data, { "file/": { type: "file", path: "file/", description: "", local: false, options: { file_path: rig.file } } });
  assert.deepEqual(body["file/"], body.data["file/"]);
  const refused = async (path: string, device: object) => (await rig.ask("update", `sys/audit/${path}`, device)).body.errors[0];
  const options = { file_path: "discard" };
  assert.equal(await refused("file", { type: "file", options }), "path already in use");
  assert.equal(await refused("x", {}), "audit type must be specified as a string");
  assert.match(await refused("x", { type: "nope", options }), /^unknown backend type: "nope"/);
  assert.equal(await refused("x", { type: "file" }), "file_path is required");
  assert.match(await refused("x", { type: "file", options: { ...options, format: "abc" } }), /^unknown format type "abc"/);
  assert.match(await refused("x", { type: "file", options: { ...options, mode: "abc" } }), /^mode must be octal/);
  assert.match(await refused("x", { type: "file", options: { ...options, log_raw: "maybe" } }), /^log_raw must be/);
  assert.match(await refused("x", { type: "file", options: { file_path: "/dev/full" } }), /^audit backend failed test message: cannot write to \/dev\/full: ENOSPC/);
  assert.equal((await rig.ask("update", "sys/audit/x", { type: "file", options }, { token: await rig.token(["default"]) })).status, 403);
});

test("a write that fails half-way does not spoil the next line", async (t) => {
  const file = join(folder(t), "out");
  const writer = createFileWriter(file, 0o600);
  await writer.write("one\n");
  await Promise.all([writer.write("two\n"), writer.write("three\n"), writer.reopen(), writer.write("four\n")]);
  await writer.close();
  assert.equal(readFileSync(file, "utf8"), "one\ntwo\nthree\nfour\n");
  await assert.rejects(createFileWriter("/dev/full", 0).write("x\n"), { code: "ENOSPC" });
});

test("declared devices: made once, replaced when they change, and API-made ones left alone", async () => {
  const { store, env, ask } = await createRig();
  const device = (options: Record<string, string>, path = "main/") => ({ path, type: "file", description: "d", options });
  const declare = async (...devices: ReturnType<typeof device>[]) => (await store.transact((tx) => declareAudit(tx.scoped("core/"), devices, env))).value;
  const now = async () => (await store.evaluate(async (tx) => auditDevices(tx.scoped("core/")))).value;
  assert.deepEqual(await declare(device({ path: "discard" })), ["main/"]);
  const first = (await now())["main/"]!;
  assert.deepEqual(await declare(device({ path: "discard" })), []);
  assert.equal((await now())["main/"]!.uuid, first.uuid);
  assert.deepEqual(await declare(device({ path: "stdout" }), device({ path: "discard" }, "second/")), ["main/", "second/"]);
  const changed = (await now())["main/"]!;
  assert.notEqual(changed.uuid, first.uuid);
  assert.equal(changed.salt, first.salt, "known values still hash alike");
  await declare(device({ path: "discard" }));
  await ask("update", "sys/audit/api", { type: "file", options: { file_path: "discard" } });
  await declare(device({ path: "discard" }));
  assert.deepEqual(Object.keys(await now()), ["main/", "second/", "api/"]);
  assert.deepEqual(await declare(device({ file_path: "discard" }, "api/")), []);
  await assert.rejects(declare(device({ file_path: "stdout" }, "api/")), /was enabled through the API/);
});

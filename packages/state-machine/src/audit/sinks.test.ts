import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, ListenOptions, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";
import { createSocketWriter } from "./socket-writer.js";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "coffer-audit-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function openRig(t: TestContext): Promise<Rig> {
  const rig = await createRig();
  t.after(() => rig.audit.close());
  return rig;
}

const PATIENCE_MS = 20_000;
const CLIENTS = 128;

interface Listening {
  readonly server: Server;
  readonly port: number;
  readonly connections: Set<Socket>;
  text(): string;
  /** Resolves when so many lines have come. */
  lines(count: number): Promise<string[]>;
}

async function listen(t: TestContext, where: ListenOptions = { port: 0, host: "127.0.0.1" }, reads = true): Promise<Listening> {
  let text = "";
  let look = () => {};
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket.on("close", () => connections.delete(socket)).on("error", () => {}));
    if (!reads) return void socket.pause();
    socket.on("data", (bytes) => {
      text += bytes.toString();
      look();
    });
  });
  await new Promise<void>((ready) => server.listen(where, ready));
  t.after(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const lines = (count: number) =>
    new Promise<string[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${text.split("\n").length - 1} of ${count} lines came`)), PATIENCE_MS);
      look = () => {
        if (text.split("\n").length <= count) return;
        clearTimeout(timer);
        resolve(text.split("\n").slice(0, -1));
      };
      look();
    });
  return { server, port: (server.address() as AddressInfo | null)?.port ?? 0, connections, text: () => text, lines };
}

const enable = (rig: Rig, path: string, type: string, options: object) => rig.ask("update", `sys/audit/${path}`, { type, options });
async function enabled(rig: Rig, path: string, type: string, options: object): Promise<void> {
  const { status, text } = await enable(rig, path, type, options);
  assert.equal(status, 204, text);
}

test("a socket device: records arrive whole, and a known value is found by its hash", async (t) => {
  const rig = await openRig(t);
  const { port, lines } = await listen(t);
  await enabled(rig, "net", "socket", { address: `127.0.0.1:${port}`, prefix: "@cee:" });
  await rig.ask("update", "kv/a", { password: "hunter2" });
  const found = await lines(4);
  assert.ok(found.every((line) => line.startsWith("@cee:{")));
  const { hash } = (await rig.ask("update", "sys/audit-hash/net", { input: "hunter2" })).body.data;
  const written = found.map((line) => JSON.parse(line.slice(5)) as { type: string; request: { path: string; data?: { password?: string } } }).filter(({ request }) => request.path === "kv/a");
  assert.deepEqual(written.map(({ type, request }) => [type, request.data!.password]), [["request", hash], ["response", hash]]);
});

test("over a unix socket, and over UDP, one datagram a record", async (t) => {
  const rig = await openRig(t);
  const path = join(folder(t), "audit.sock");
  const { lines } = await listen(t, { path });
  await enabled(rig, "unix", "socket", { address: path, socket_type: "unix" });
  const received: string[] = [];
  const udp = createSocket("udp4").on("message", (message) => received.push(message.toString()));
  t.after(() => udp.close());
  await new Promise<void>((ready) => udp.bind(0, "127.0.0.1", ready));
  await enabled(rig, "udp", "socket", { address: `127.0.0.1:${udp.address().port}`, socket_type: "udp" });
  const more = new Promise<void>((resolve) => udp.on("message", () => received.length >= 4 && resolve()));
  await rig.ask("read", "kv/a");
  await Promise.all([lines(6), more]);
  for (const message of received) JSON.parse(message);
});

test("syslog: priority, tag and time before each record, by facility", async (t) => {
  const rig = await openRig(t);
  const path = join(folder(t), "log");
  const { lines } = await listen(t, { path });
  await enabled(rig, "syslog", "syslog", { address: `unix://${path}`, facility: "local3", tag: "coffer" });
  const tcp = await listen(t);
  await enabled(rig, "far", "syslog", { address: `tcp://127.0.0.1:${tcp.port}` });
  assert.match((await lines(1))[0]!, new RegExp(`^<158>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d coffer\\[${process.pid}\\]: \\{"time"`));
  assert.match((await tcp.lines(1))[0]!, new RegExp(`^<38>\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z \\S+ vault\\[${process.pid}\\]: \\{"time"`));
});

/** Node.js cannot listen to datagrams in the file system; Python can. */
async function listenToDatagrams(t: TestContext, path: string): Promise<{ readonly messages: string[]; count(wanted: number): Promise<void> }> {
  const script = "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint('ready',flush=True)\nwhile True: print(s.recv(1<<20).decode().rstrip('\\n\\0'),flush=True)";
  const python = spawn("python3", ["-c", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => python.kill());
  const messages: string[] = [];
  let look = () => {};
  const lines = createInterface(python.stdout);
  await new Promise<void>((resolve, reject) => {
    python.once("error", reject);
    lines.once("line", () => resolve());
  });
  lines.on("line", (line) => {
    messages.push(line);
    look();
  });
  const count = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${messages.length} of ${wanted} messages came`)), PATIENCE_MS);
      look = () => {
        if (messages.length < wanted) return;
        clearTimeout(timer);
        resolve();
      };
      look();
    });
  return { messages, count };
}

test("syslog whose socket takes datagrams only, as that of journald, gets them through logger", async (t) => {
  const rig = await openRig(t);
  const path = join(folder(t), "log");
  const { messages, count } = await listenToDatagrams(t, path);
  await enabled(rig, "syslog", "syslog", { address: `unix://${path}`, facility: "local3", tag: "coffer" });
  await Promise.all(Array.from({ length: 200 }, (_, i) => rig.ask("read", `kv/d/${i}`)));
  // The test's line, the answer to the enabling, and two of each request.
  await count(402);
  for (const message of messages) {
    const [, json] = new RegExp(`^<158>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d coffer\\[${process.pid}\\]: (\\{.*\\})$`).exec(message) ?? [];
    JSON.parse(json!);
  }
  assert.equal(new Set(messages.map((message) => /kv\/d\/\d+/.exec(message)?.[0])).size, 201);
  assert.deepEqual(rig.problems, []);
});

test("one that reads nothing fails within its timeout, then at once, and is tried again after a rest", async (t) => {
  const { port, connections } = await listen(t, undefined, false);
  let now = 0;
  const writer = createSocketWriter({ kind: "tcp", host: "127.0.0.1", port, path: "" }, 1000, () => now);
  t.after(() => writer.close());
  // More than the buffers of both ends hold.
  await assert.rejects(writer.write("x".repeat(64 * 1024 * 1024)), { code: "ETIMEDOUT" });
  const before = performance.now();
  await assert.rejects(writer.write("y"), { code: "ETIMEDOUT" });
  assert.ok(performance.now() - before < 800);
  now = 1000;
  await writer.write("z\n");
  assert.ok(connections.size > 0);
});

test("a connection that the other side closed is opened anew, and the line is not lost", async (t) => {
  const { port, connections, lines } = await listen(t);
  const writer = createSocketWriter({ kind: "tcp", host: "127.0.0.1", port, path: "" }, 2000);
  t.after(() => writer.close());
  await writer.write("one\n");
  await lines(1);
  const [socket] = connections;
  const gone = new Promise((resolve) => socket!.once("close", resolve));
  socket!.destroy();
  await gone;
  await new Promise(setImmediate);
  await writer.write("two\n");
  assert.deepEqual(await lines(2), ["one", "two"]);
});

test("nothing is answered while no device can write; a fallback takes what the others do not", async (t) => {
  const rig = await openRig(t);
  const { port, server, connections } = await listen(t);
  await enabled(rig, "net", "socket", { address: `127.0.0.1:${port}` });
  for (const socket of connections) socket.destroy();
  await new Promise<void>((closed) => void server.close(() => closed()));
  rig.problems.length = 0;
  assert.equal((await rig.ask("read", "kv/a")).status, 500);
  assert.ok(rig.problems.length > 0);
  const other = await openRig(t);
  const file = join(folder(t), "fallback.log");
  await enabled(other, "kv-only", "file", { file_path: "discard", filter: 'mount_type == "kv"' });
  assert.equal((await other.ask("read", "counter/a")).status, 404, "what no filter lets through is not recorded, and no failure");
  await enabled(other, "rest", "file", { file_path: file, fallback: "true" });
  await other.ask("read", "kv/a");
  await other.ask("read", "counter/a");
  const paths = readFileSync(file, "utf8").trim().split("\n").map((line) => (JSON.parse(line) as { request: { path: string } }).request.path);
  assert.deepEqual([...new Set(paths)], ["sys/audit/test", "sys/audit/rest", "counter/a"]);
});

test("thousands of requests as fast as 128 clients can, with three devices: no line is lost, none is glued to another", async (t) => {
  const rig = await openRig(t);
  const file = join(folder(t), "audit.log");
  const { port, lines } = await listen(t);
  await enabled(rig, "file", "file", { file_path: file });
  const log = join(folder(t), "log");
  const syslog = await listen(t, { path: log });
  await enabled(rig, "net", "socket", { address: `127.0.0.1:${port}` });
  await enabled(rig, "syslog", "syslog", { address: `unix://${log}` });
  const count = 4000;
  const since = performance.now();
  const numbers = Array(count).keys();
  const answers: { readonly status: number }[] = [];
  const client = async (): Promise<void> => {
    for (const i of numbers) answers.push(await (i % 4 === 0 ? rig.ask("update", `kv/load/${i}`, { value: `${i}` }) : rig.ask("read", `kv/load/${i}`)));
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  t.diagnostic(`${Math.round(count / ((performance.now() - since) / 1000))} requests a second`);
  assert.ok(answers.every(({ status }) => status === 204 || status === 200 || status === 404));
  // Of the enabling: a test line each, and what the devices before it have of the others'.
  const ofSyslog = (await syslog.lines(2 * count + 2)).map((line) => line.slice(line.indexOf("{")));
  for (const all of [readFileSync(file, "utf8").split("\n").slice(0, -1), await lines(2 * count + 4), ofSyslog]) {
    const seen = all.map((line) => JSON.parse(line) as { type: string; request: { path: string } }).filter(({ request }) => request.path.startsWith("kv/load/"));
    const byPath = new Map<string, string[]>();
    for (const { type, request } of seen) byPath.set(request.path, [...(byPath.get(request.path) ?? []), type]);
    assert.equal(byPath.size, count);
    for (const [path, types] of byPath) assert.deepEqual(types, ["request", "response"], path);
  }
  assert.deepEqual(rig.problems, []);
});

test("bad options of every kind are a 400, and enable nothing", async (t) => {
  const rig = await openRig(t);
  const { port } = await listen(t);
  const good = `127.0.0.1:${port}`;
  const wrong: [string, object][] = [
    ["socket", {}], ["socket", { address: "nowhere" }], ["socket", { address: "host:99999" }], ["socket", { address: "ho st:1" }], ["socket", { address: good, socket_type: "sctp" }], ["socket", { address: "relative.sock", socket_type: "unix" }],
    ["socket", { address: good, write_timeout: "-1s" }], ["socket", { address: good, write_timeout: "2h" }], ["socket", { address: good, write_timeout: "soon" }], ["socket", { address: "127.0.0.1:1" }], ["socket", { address: good, format: "xml" }],
    ["socket", { address: good, filter: "nonsense" }], ["socket", { address: good, fallback: "true", filter: 'path is empty' }], ["socket", { address: good, exclude: "[]" }], ["socket", { address: good, exclude: "nonsense" }], ["socket", { address: good, exclude: '[{"fields":["request/data"]}]' }], ["socket", { address: good, exclude: '[{"fields":["/a"],"condition":"path == x"}]' }], ["socket", { address: good, exclude: '[{"fields":[]}]' }], ["socket", { address: good, exclude: '[{"fields":["/a"],"more":1}]' }], ["socket", { address: good, prefix: "a\nb" }], ["socket", { address: good, log_raw: "maybe" }],
    ["syslog", { address: good }], ["syslog", { address: `udp://${good}`, facility: "nobody" }], ["syslog", { address: `udp://${good}`, tag: "a b" }], ["syslog", { address: `udp://${good}`, tag: "\u00fc" }], ["syslog", { address: "unix:///no/such/socket" }],
    ["file", {}], ["file", { file_path: "/x\u0000" }], ["file", { file_path: "discard", mode: "999" }], ["http", { address: good }],
  ];
  for (const [type, options] of wrong) {
    const { status, body } = await enable(rig, "x", type, options);
    assert.equal(status, 400, `${type} ${JSON.stringify(options)}`);
    assert.doesNotMatch(body.errors[0], /\n +at /);
  }
  assert.deepEqual((await rig.ask("read", "sys/audit")).body.data, {});
  await enabled(rig, "one", "file", { file_path: "discard", fallback: "true" });
  assert.match((await enable(rig, "two", "file", { file_path: "discard", fallback: "true" })).text, /fallback device already/);
});

import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, ListenOptions } from "node:net";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { startCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

/** What is asked of three devices: so many requests a second, as far as the machine comes along. */
const RATE = 2000;
const REQUESTS = 10_000;
const CONNECTIONS = 64;
const TURN_MS = 10;
const PATIENCE_MS = 60_000;

/** Whole lines that came over any connection. */
async function listen(t: TestContext, where: ListenOptions): Promise<{ readonly port: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const server = createServer((socket) => {
    let rest = "";
    socket.setEncoding("utf8").on("error", () => {}).on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
    });
    socket.on("close", () => rest !== "" && lines.push(rest));
  });
  await new Promise<void>((ready) => server.listen(where, ready));
  t.after(() => void server.close());
  return { port: (server.address() as AddressInfo | null)?.port ?? 0, lines };
}

/** Every tenth is a write, some come with a token that is none; each has a path of its own. */
function ask(agent: Agent, address: string, token: string, i: number): Promise<number> {
  const isWrite = i % 10 === 0;
  const headers = { "x-vault-token": i % 50 === 7 ? "hvs.nobody" : token };
  return new Promise((resolve, reject) => {
    const sent = request(`${address}/v1/secret/data/load/${i}`, { agent, method: isWrite ? "POST" : "GET", headers }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode!)).on("error", reject);
    });
    sent.on("error", reject).end(isWrite ? JSON.stringify({ data: { password: `secret-${i}` } }) : undefined);
  });
}

test("2,000 requests a second to a file, a socket and syslog, and a rotation among them: each device has two whole lines of each", async (t) => {
  const cluster = await startCluster({ nodes: 1 });
  t.after(() => cluster.stop());
  const [node] = cluster.nodes;
  assert.ok(node);
  const file = join(cluster.folder, "audit.log");
  const socketPath = join(cluster.folder, "log");
  const net = await listen(t, { port: 0, host: "127.0.0.1" });
  const syslog = await listen(t, { path: socketPath });
  const enable = (path: string, type: string, options: object) => cluster.client(node).request("POST", `sys/audit/${path}`, { body: { type, options } });
  await enable("file", "file", { file_path: file });
  await enable("net", "socket", { address: `127.0.0.1:${net.port}` });
  await enable("syslog", "syslog", { address: `unix://${socketPath}` });

  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  t.after(() => agent.destroy());
  const statuses: Promise<number>[] = [];
  const since = performance.now();
  while (statuses.length < REQUESTS) {
    const due = Math.min(REQUESTS, Math.ceil(((performance.now() - since) * RATE) / 1000));
    while (statuses.length < due) {
      statuses.push(ask(agent, node.address, cluster.rootToken, statuses.length));
      if (statuses.length === REQUESTS / 2) {
        renameSync(file, `${file}.1`);
        node.signal("SIGHUP");
      }
    }
    await new Promise((wake) => setTimeout(wake, TURN_MS));
  }
  const answered = await Promise.all(statuses);
  t.diagnostic(`${Math.round(REQUESTS / ((performance.now() - since) / 1000))} requests a second`);
  answered.forEach((status, i) => assert.equal(status, i % 50 === 7 ? 403 : i % 10 === 0 ? 200 : 404, String(i)));

  const ofFiles = [`${file}.1`, file].flatMap((one) => {
    const lines = readFileSync(one, "utf8").split("\n");
    assert.equal(lines.pop(), "", "the last line has its end");
    return lines;
  });
  const isOfLoad = (line: string) => line.includes('"path":"secret/data/load/');
  for (const [device, lines] of Object.entries({ file: ofFiles, socket: net.lines, syslog: syslog.lines })) {
    // What has been acknowledged is with the operating system; this process has to read it.
    await until(`${device} has all`, PATIENCE_MS, () => lines.filter(isOfLoad).length >= 2 * REQUESTS);
    const records = lines.filter(isOfLoad).map((line) => JSON.parse(device === "syslog" ? line.replace(/^<38>[A-Z][a-z]{2} [ \d]\d [\d:]{8} vault\[\d+\]: /, "") : line) as { type: string; request: { path: string; id: string } });
    const found = new Map<string, string[]>();
    const ids = new Set<string>();
    for (const { type, request: { path, id } } of records) {
      found.set(path, [...(found.get(path) ?? []), type]);
      ids.add(id);
    }
    assert.equal(ids.size, REQUESTS, device);
    for (let i = 0; i < REQUESTS; i++) assert.deepEqual(found.get(`secret/data/load/${i}`), ["request", "response"], `${device}: ${i}`);
    for (const line of lines) assert.match(line, /\}$/, device);
  }
  assert.doesNotMatch(ofFiles.join("\n"), /secret-\d|hvs\./);
});

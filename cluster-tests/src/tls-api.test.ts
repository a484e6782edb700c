import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { connect as connectTls } from "node:tls";
import { startCluster, writeCertificates } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { until } from "./harness/until.js";

const HEADER_SECONDS = 1;
/** From the limit to the end of a connection that is over it, on a machine that is busy. */
const CUT_OFF_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly body: { readonly data?: Record<string, unknown> & { keys?: string[] }; readonly errors?: string[] };
}

test("a real cluster's API by TLS", async (t) => {
  const cluster = await startCluster({ tls: true, listener: `http_read_header_timeout = "${HEADER_SECONDS}s"` });
  t.after(() => cluster.stop());
  const active = await cluster.active();
  const [standby] = await cluster.standbys();
  assert.ok(standby);
  const token = { "X-Vault-Token": cluster.rootToken };
  const options = (node: NodeProcess) => ({ host: "127.0.0.1", port: Number(new URL(node.address).port), ca: cluster.ca! });

  function overHttp1(node: NodeProcess, method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? "" : JSON.stringify(body);
      const outgoing = request({ ...options(node), method, path: `/v1/${path}`, headers: { ...token, ...(text && { "Content-Length": Buffer.byteLength(text) }) }, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString() || "{}") as Answer["body"] }));
      });
      outgoing.on("error", reject);
      outgoing.end(text);
    });
  }

  async function overHttp2(node: NodeProcess, method: string, path: string): Promise<Answer> {
    const session = connectHttp2(node.address, { ca: cluster.ca! });
    try {
      const stream = session.request({ ":method": method, ":path": `/v1/${path}`, ...token });
      stream.end();
      const [headers] = (await once(stream, "response")) as [{ ":status": number }];
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return { status: headers[":status"], body: JSON.parse(Buffer.concat(chunks).toString()) as Answer["body"] };
    } finally {
      session.close();
    }
  }

  await t.test("LIST and SCAN by HTTP/1.1, GET and LIST by HTTP/2, on the active node and on a standby", async () => {
    for (const path of ["app/a", "app/deep/b"]) assert.equal((await overHttp1(active, "POST", `secret/data/${path}`, { data: { n: 1 } })).status, 200);
    for (const node of [active, standby]) {
      for (const call of [overHttp1, overHttp2]) {
        assert.deepEqual((await call(node, "LIST", "secret/metadata/app")).body.data?.keys, ["a", "deep/"]);
        assert.deepEqual((await call(node, "GET", "secret/metadata/app?list=true")).body.data?.keys, ["a", "deep/"]);
        assert.deepEqual((await call(node, "SCAN", "secret/metadata/app")).body.data?.keys, ["a", "deep/b"]);
        assert.deepEqual((await call(node, "GET", "secret/data/app/a")).body.data?.["data"], { n: 1 });
        assert.equal((await call(node, "LIST", "secret/metadata/nothing")).status, 404);
      }
    }
  });

  await t.test("?help=1 explains a path and a mount", async () => {
    for (const path of ["secret/data/app?help=1", "secret?help=1", "sys/mounts?help=1"]) {
      const { status, body } = await overHttp1(standby, "GET", path);
      assert.equal(status, 200, path);
      assert.ok(String((body as { help?: string }).help ?? body.data?.["help"]).length > 40, path);
    }
  });

  await t.test("wrong unseal keys are refused without a word about them, and the right ones unseal afterwards", async () => {
    assert.equal((await overHttp1(standby, "PUT", "sys/seal")).status, 204);
    const key = cluster.keys[0]!;
    const wrong = Buffer.from(key, "base64");
    wrong[3]! ^= 1;
    const unseal = (text: string) => overHttp1(standby, "PUT", "sys/unseal", { key: text });
    for (const nonsense of ["", "no key at all", "abcd"]) {
      const { status, body } = await unseal(nonsense);
      assert.equal(status, 400, JSON.stringify(body));
    }
    const first = await unseal(wrong.toString("base64"));
    assert.equal((first.body as { progress?: number }).progress, 1, JSON.stringify(first.body));
    const refused = await unseal(cluster.keys[1]!);
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors![0]!, /unseal|key/i);
    const { body } = await overHttp1(standby, "GET", "sys/seal-status");
    assert.deepEqual([(body as { sealed?: boolean }).sealed, (body as { progress?: number }).progress], [true, 0]);
    const said = `${standby.log()}${JSON.stringify(refused.body)}`;
    for (const one of [wrong, Buffer.from(cluster.keys[1]!, "base64")]) assert.ok(!said.includes(one.toString("base64")) && !said.includes(one.toString("hex")), "a key share was written down");
    await cluster.unseal(standby);
    assert.equal((await overHttp1(standby, "GET", "secret/data/app/a")).status, 200);
  });

  await t.test("who dribbles headers, or never says hello, is cut off while others are served", async () => {
    const slow = connectTls({ ...options(active) });
    await once(slow, "secureConnect");
    slow.write("GET /v1/sys/health HTTP/1.1\r\nHost: coffer\r\nX-Slow: ");
    const dribble = setInterval(() => slow.write("a"), 100);
    const mute = connectTcp(options(active).port, "127.0.0.1");
    const begin = performance.now();
    const ends = [slow, mute].map(async (socket) => {
      socket.on("error", () => undefined).resume();
      await once(socket, "close");
      return performance.now() - begin;
    });
    let over = false;
    const allEnded = Promise.all(ends).finally(() => (over = true));
    let served = 0;
    while (!over && performance.now() - begin < CUT_OFF_MS) {
      assert.equal((await overHttp1(active, "GET", "secret/data/app/a")).status, 200);
      served += 1;
    }
    clearInterval(dribble);
    assert.ok(over, "the connections are still there");
    for (const milliseconds of await allEnded) assert.ok(milliseconds > HEADER_SECONDS * 900, `cut off after ${milliseconds} ms`);
    assert.ok(served > 5, `${served} others were served`);
  });

  // Last: from here on the node shows another authority's certificate.
  await t.test("SIGHUP takes up a new certificate; one that is of no use leaves the old one in place", async () => {
    const fingerprint = async () => {
      const socket = connectTls({ ...options(standby), rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await fingerprint();
    const openConnection = connectHttp2(standby.address, { ca: cluster.ca! });
    await once(openConnection, "connect");

    writeFileSync(join(cluster.folder, "tls/api.crt"), "not a certificate\n");
    standby.signal("SIGHUP");
    await until("the failure is logged", 60_000, () => standby.log().includes("certificate not reloaded"));
    assert.equal(await fingerprint(), before);

    const newCa = await writeCertificates(join(cluster.folder, "tls"));
    assert.equal(await fingerprint(), before, "taken up without being told");
    standby.signal("SIGHUP");
    await until("another certificate is shown", 60_000, async () => (await fingerprint()) !== before);
    const trusting = connectTls({ ...options(standby), ca: newCa });
    await once(trusting, "secureConnect");
    assert.ok(trusting.authorized);
    trusting.destroy();

    const stream = openConnection.request({ ":path": "/v1/secret/data/app/a", ...token });
    const [headers] = (await once(stream.resume(), "response")) as [{ ":status": number }];
    assert.equal(headers[":status"], 200, "a connection made before is still served");
    openConnection.destroy();
  });
});

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { after, before, test } from "node:test";
import type { ApiRequest } from "@coffer/state-machine";
import { createActiveNodeClient } from "./client.js";
import type { ClusterTls } from "./connection.js";
import { clusterTls, serveAsk } from "./testing/question-server.js";
import type { Ask } from "./testing/question-server.js";
import { decodeQuestion, encodeAnswer, MAX_PAYLOAD_BYTES } from "./wire.js";
import type { Question } from "./wire.js";

let tls: ClusterTls;
before(async () => void (tls = await clusterTls()));

const cleanups: (() => void)[] = [];
after(() => cleanups.forEach((cleanup) => cleanup()));

function clientFor(clusterId = "c1", timeoutMs?: number, certificates = tls) {
  const client = createActiveNodeClient(certificates, clusterId, timeoutMs);
  cleanups.push(() => client.close());
  return client;
}

async function served(ask: Ask, more: { port?: number; clusterId?: string } = {}) {
  const server = await serveAsk(tls, ask, more);
  cleanups.push(() => server.stop());
  return server;
}

const question = (path: string, body: Uint8Array = new Uint8Array(0)): Question => ({
  kind: "request",
  request: { id: "i", operation: "update", path, query: {}, body, contentType: "", token: "t", headers: {}, remoteAddress: "10.0.0.1", remotePort: 7 } satisfies ApiRequest,
});

function requestIn(payload: Uint8Array): ApiRequest {
  const asked = decodeQuestion(payload);
  assert.equal(asked.kind, "request");
  return (asked as Extract<Question, { kind: "request" }>).request;
}

const responseWith = (path: string, body: Uint8Array = new Uint8Array(0)) => encodeAnswer({ kind: "response", response: { status: 200, headers: { path }, contentType: "", body, index: 1 } });

/** Answers with the path it was asked for, and with the body. */
const echo: Ask = async (payload) => {
  const { path, body } = requestIn(payload);
  return responseWith(path, body);
};

/** Takes questions and answers them when told. */
function holding() {
  const held: { readonly path: string; answer(): void }[] = [];
  let arrived = (): void => undefined;
  const ask: Ask = (payload) =>
    new Promise((resolve) => {
      const { path } = requestIn(payload);
      held.push({ path, answer: () => resolve(responseWith(path)) });
      arrived();
    });
  return {
    ask,
    held,
    async count(wanted: number) {
      while (held.length < wanted) await new Promise<void>((resolve) => (arrived = resolve));
    },
  };
}

const kindOf = async (asked: Promise<{ kind: string }>) => (await asked).kind;

test("questions are answered in any order, each with its own answer", async () => {
  const server = holding();
  const client = clientFor();
  client.pointTo((await served(server.ask)).address);
  const asked = ["a", "b", "c"].map((path) => client.ask(question(path), false));
  await server.count(3);
  for (const { answer } of [...server.held].reverse()) answer();
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map((answer) => answer.kind === "response" && answer.response.headers["path"]), ["a", "b", "c"]);
});

test("a question to nobody, or to a port where nobody listens, was certainly not sent", async () => {
  const client = clientFor();
  assert.equal(await kindOf(client.ask(question("p"), false)), "unsent");
  const gone = await served(echo);
  gone.stop();
  client.pointTo(gone.address);
  assert.equal(await kindOf(client.ask(question("p"), false)), "unsent");
});

test("a server that starts again is found again at once, however often it was missed before", async () => {
  const first = await served(echo);
  const client = clientFor();
  client.pointTo(first.address);
  assert.equal(await kindOf(client.ask(question("p"), false)), "response");
  first.stop();
  for (let i = 0; i < 10; i++) assert.notEqual(await kindOf(client.ask(question("p"), false)), "response");
  await served(echo, { port: first.port });
  const begun = performance.now();
  assert.equal(await kindOf(client.ask(question("p"), false)), "response");
  assert.ok(performance.now() - begun < 1000);
});

test("what was out when the stream broke is lost", async () => {
  const server = holding();
  const at = await served(server.ask);
  const client = clientFor();
  client.pointTo(at.address);
  const asked = client.ask(question("p"), false);
  await server.count(1);
  at.stop();
  assert.equal(await kindOf(asked), "lost");
});

test("pointing elsewhere loses what can be repeated, and still takes the answers to the rest", async () => {
  const server = holding();
  const former = await served(server.ask);
  const next = await served(echo);
  const client = clientFor();
  client.pointTo(former.address);
  const [read, write] = [client.ask(question("read"), true), client.ask(question("write"), false)];
  await server.count(2);
  client.pointTo(next.address);
  assert.equal(await kindOf(read), "lost");
  assert.equal(await kindOf(client.ask(question("p"), false)), "response");
  for (const { answer } of server.held) answer();
  assert.equal(await kindOf(write), "response");
});

test("a former leader that owes an answer is not waited for without end", async () => {
  const server = holding();
  const client = clientFor();
  client.pointTo((await served(server.ask)).address);
  const write = client.ask(question("write"), false);
  await server.count(1);
  client.pointTo((await served(echo)).address);
  assert.equal(await kindOf(write), "lost");
});

test("while nobody leads, what is out stays out", async () => {
  const server = holding();
  const client = clientFor();
  client.pointTo((await served(server.ask)).address);
  const asked = client.ask(question("p"), true);
  await server.count(1);
  client.pointTo(undefined);
  assert.equal(await kindOf(client.ask(question("q"), true)), "unsent");
  server.held[0]!.answer();
  assert.equal(await kindOf(asked), "response");
});

test("an active node that takes the connection and says nothing holds nobody up", async () => {
  const sockets: Socket[] = [];
  const hole = createServer((socket) => void sockets.push(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
  await new Promise((resolve) => hole.once("listening", resolve));
  cleanups.push(() => {
    hole.close();
    sockets.forEach((socket) => socket.destroy());
  });
  const client = clientFor();
  client.pointTo(`127.0.0.1:${(hole.address() as AddressInfo).port}`);
  const begun = performance.now();
  assert.equal(await kindOf(client.ask(question("p"), false)), "unsent");
  assert.ok(performance.now() - begun < 4000);
});

test("an answer that never comes is lost when nobody waits for it any more", async () => {
  const server = holding();
  const client = clientFor("c1", 50);
  client.pointTo((await served(server.ask)).address);
  assert.ok(["lost", "unsent"].includes(await kindOf(client.ask(question("p"), false))));
});

test("nodes of another cluster, or with certificates of another, are refused", async () => {
  const { address } = await served(echo);
  for (const client of [clientFor("another"), clientFor("c1", undefined, await clusterTls())]) {
    client.pointTo(address);
    assert.equal(await kindOf(client.ask(question("p"), false)), "unsent");
  }
});

test("an answer that this version does not know is lost, and the stream goes on", async () => {
  const { address } = await served(async (payload) => (requestIn(payload).path === "odd" ? Buffer.from([0xff, 0xff]) : responseWith("p")));
  const client = clientFor();
  client.pointTo(address);
  assert.deepEqual(await Promise.all([client.ask(question("odd"), false), client.ask(question("p"), false)].map(kindOf)), ["lost", "response"]);
});

test("32 MiB travel both ways; what is too large is refused and breaks nothing", async () => {
  const { address } = await served(echo);
  const client = clientFor();
  client.pointTo(address);
  const body = Buffer.alloc(32 * 1024 * 1024, "x");
  const [answer, refused] = await Promise.all([client.ask(question("p", body), false), client.ask(question("p", Buffer.alloc(MAX_PAYLOAD_BYTES)), false)]);
  assert.equal(answer.kind, "response");
  assert.ok(answer.kind === "response" && Buffer.compare(answer.response.body as Uint8Array, body) === 0);
  assert.equal(refused.kind, "too-large");
});

test("after closing nothing is sent, and what was out is over", async () => {
  const server = holding();
  const client = clientFor();
  client.pointTo((await served(server.ask)).address);
  const asked = client.ask(question("p"), false);
  await server.count(1);
  client.close();
  assert.equal(await kindOf(asked), "lost");
  assert.equal(await kindOf(client.ask(question("p"), false)), "unsent");
});

test("a server that ends waits for the answers that others are owed, and no longer than it is told", async () => {
  const server = holding();
  const former = await served(server.ask);
  const clients = [clientFor(), clientFor()];
  for (const client of clients) client.pointTo(former.address);
  const asked = clients.map((client) => client.ask(question("write"), false));
  await server.count(2);
  // One hears of another leader, one leads itself.
  clients[0]!.pointTo((await served(echo)).address);
  clients[1]!.pointHere();
  let isLeft = false;
  const left = former.left(60_000).then(() => (isLeft = true));
  server.held[0]!.answer();
  await Promise.race(asked);
  assert.equal(isLeft, false);
  server.held[1]!.answer();
  assert.deepEqual(await Promise.all(asked.map(kindOf)), ["response", "response"]);
  await left;

  const stubborn = clientFor();
  stubborn.pointTo(former.address);
  const owed = stubborn.ask(question("write"), false);
  await server.count(3);
  await former.left(20);
  former.stop();
  assert.equal(await kindOf(owed), "lost");
});

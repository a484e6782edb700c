import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import test from "node:test";
import fc from "fast-check";
import { RequestError } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, CorsConfig } from "@coffer/state-machine";
import type { ApiApplication } from "./application.js";
import { collect, echo, echoApplication, json, serve } from "./testing/echo-application.js";
import { head, rawClient } from "./testing/raw-client.js";
import type { RawClient } from "./testing/raw-client.js";

async function exchange(client: RawClient, bytes: string) {
  await client.send(bytes);
  return client.answer();
}

test("methods and query decide the operation", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  const cases: readonly (readonly [string, string, string])[] = [
    ["GET", "a", "read a"], ["GET", "a?list=true", "list a/"], ["GET", "a/?list=1", "list a/"], ["GET", "a?list=T", "list a/"], ["GET", "a?list=t", "list a/"], ["GET", "a?list=TRUE", "list a/"],
    ["GET", "a?list=false", "read a"], ["GET", "a?list=0&scan=true", "scan a/"], ["GET", "a?list=", "read a"], ["GET", "?list=true", "list "], ["POST", "a?list=true", "update a"], ["PUT", "a", "update a"],
    ["DELETE", "a", "delete a"], ["PATCH", "a", "patch a"], ["GET", "a?help=1", "help a"], ["GET", "a?list=true&help=1", "help a"],
  ];
  for (const [method, target, expected] of cases) {
    await client.send(head(method, `/v1/${target}`));
    const { operation, path } = await client.echo();
    assert.equal(`${operation} ${path}`, expected, `${method} ${target}`);
  }
});

test("a request's parts reach the application", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  await client.send(`${head("POST", "/v1/secret/a%20b?version=3&x=1&x=%61+b&__proto__=1", "X-Vault-Token: tok", "Authorization: Basic abc", "X-Vault-MFA: one:1", "x-vault-mfa: two", "Content-Type: Application/JSON", "X-Custom: 1", "X-Custom: 2", "X-Vault-Namespace: root/", "Content-Length: 2")}{}`);
  const { id, remotePort, query, ...rest } = await client.echo();
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(remotePort, client.socket.localPort);
  assert.deepEqual(Object.entries(query), [["version", "3"], ["x", ["1", "a b"]], ["__proto__", "1"]]);
  assert.deepEqual(rest, {
    operation: "update",
    path: "secret/a b",
    body: "{}",
    contentType: "application/json",
    token: "tok",
    headers: { host: "vault", authorization: "Basic abc", "x-vault-mfa": "one:1\ntwo", "content-type": "Application/JSON", "x-custom": "1, 2", "x-vault-namespace": "root/", "content-length": "2" },
    remoteAddress: "127.0.0.1",
    certificateBytes: 0,
  });
});

test("the token comes from X-Vault-Token, else from a bearer's Authorization", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  for (const [headers, expected] of [[["X-Vault-Token: a", "Authorization: Bearer b"], "a"], [["Authorization: Bearer  b "], "b"], [["Authorization: bearer b"], undefined], [["X-Vault-Token:", "Authorization: Bearer b"], "b"], [[], undefined]] as const) {
    await client.send(head("GET", "/v1/a", ...headers));
    const { token, headers: handedOn } = await client.echo();
    assert.equal(token, expected);
    assert.deepEqual(handedOn, { host: "vault" });
  }
});

test("what is not in order is refused, and the connection goes on", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  for (const [method, target, header, status, text] of [
    ["GET", "/v1/a?list=maybe", "A: b", 400, "true or false"], ["GET", "/v1/a/../b", "A: b", 400, "'..'"], ["GET", "/v1/a%00", "A: b", 400, "control"],
    ["GET", "/v1/a", "X-Vault-Namespace: team", 400, "namespaces are not supported"], ["TRACE", "/v1/a", "A: b", 405, "unsupported method"], ["OPTIONS", "/v1/a", "A: b", 405, "unsupported method"],
  ] as const) {
    const { status: got, body, headers } = await exchange(client, head(method, target, header));
    assert.equal(got, status, body);
    assert.match((JSON.parse(body) as { errors: string[] }).errors[0]!, new RegExp(text));
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["cache-control"], "no-store");
  }
  for (const name of ["", "/", "root", "root/"]) assert.equal((await exchange(client, head("GET", "/v1/a", `X-Vault-Namespace: ${name}`))).status, 200);
  assert.equal((await exchange(client, head("GET", "http://elsewhere:1/v1/a"))).status, 200, "as sent through a forward proxy");
  assert.equal((await exchange(client, head("GET", "/v2/a"))).status, 404);
});

test("property: no target gets out of /v1/ or brings the server down", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  const piece = fc.oneof(fc.constantFrom("/", "..", "%2e%2e", "%2f", "//", "?", "list=true", "&", "%", "%00", "+", "=", "[]", "a", "\\"), fc.string({ maxLength: 3, unit: fc.constantFrom(..."!$'()*,-.0;@A[]^_`z{|}~\"<>") }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece), async (pieces) => {
      const { status, body } = await exchange(client, head("GET", `/v1/${pieces.join("")}`));
      if (status !== 200) return status === 400 && Array.isArray((JSON.parse(body) as { errors: unknown }).errors);
      const { path } = JSON.parse(body) as { path: string };
      return !path.startsWith("/") && !path.split("/").includes("..");
    }),
    { numRuns: 500 },
  );
});

test("an answer carries exactly what it should", async (t) => {
  const answers: Record<string, ApiResponse> = {
    ok: { status: 200, headers: { "X-Own": "1" }, contentType: "application/json", body: Buffer.from('{"é":1}'), index: 4 },
    sealed: { ...json(503, { errors: ["Vault is sealed"] }), index: 0 },
    limited: json(429, { errors: ["slow down"] }),
    health: json(503, { sealed: true }),
    kept: { status: 200, headers: { "Cache-Control": "max-age=60" }, contentType: "text/plain", body: "", index: 0 },
    empty: { status: 204, headers: {}, contentType: "", body: null, index: 3 },
  };
  const server = await serve(t, { application: echoApplication({ handle: ({ path }) => answers[path]!, stateHeader: (index) => (index === 0 ? "" : `s${index}`) }) });
  const client = await rawClient(t, server.port);
  const ok = await exchange(client, head("GET", "/v1/ok"));
  const { date, ...headers } = ok.headers;
  assert.ok(date);
  assert.deepEqual(headers, { "content-type": "application/json", "content-length": "8", "cache-control": "no-store", "x-vault-index": "s4", "x-own": "1", "x-vault-raft-node-id": "n1", connection: "keep-alive", "keep-alive": "timeout=60" });
  assert.equal(ok.body, '{"é":1}');
  const sealed = await exchange(client, head("GET", "/v1/sealed"));
  assert.deepEqual([sealed.status, sealed.headers["retry-after"], sealed.headers["x-vault-index"]], [503, "1", undefined]);
  assert.equal((await exchange(client, head("GET", "/v1/limited"))).headers["retry-after"], "1");
  assert.equal((await exchange(client, head("GET", "/v1/health"))).headers["retry-after"], undefined);
  assert.equal((await exchange(client, head("GET", "/v1/kept"))).headers["cache-control"], "max-age=60");
  const empty = await exchange(client, head("GET", "/v1/empty"));
  assert.deepEqual([empty.status, empty.headers["content-type"], empty.headers["content-length"], empty.body], [204, undefined, undefined, ""]);
});

test("HEAD answers without a body", async (t) => {
  const operations: string[] = [];
  const server = await serve(t, { application: echoApplication({ handle: (request) => (operations.push(request.operation), json(429, { errors: [] })) }) });
  const response = await fetch(`http://${server.address}/v1/sys/health`, { method: "HEAD" });
  assert.deepEqual([response.status, await response.text(), operations], [429, "", ["head"]]);
});

test("bodies up to the limit are taken, beyond it 413 ends the connection", async (t) => {
  const server = await serve(t);
  const chunked = (...chunks: string[]) => head("POST", "/v1/a", "Transfer-Encoding: chunked") + chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  const fits = await rawClient(t, server.port);
  await fits.send(`${head("POST", "/v1/a", "Content-Length: 1024")}${"x".repeat(1024)}${chunked("y".repeat(1000), "z".repeat(24), "")}`);
  assert.equal((await fits.echo()).body.length, 1024);
  assert.equal((await fits.echo()).body.length, 1024);
  for (const request of [head("POST", "/v1/a", "Content-Length: 1025"), chunked("y".repeat(1000), "z".repeat(25))]) {
    const client = await rawClient(t, server.port);
    const { status, headers, body } = await exchange(client, request);
    assert.deepEqual([status, headers["connection"], headers["content-type"]], [413, "close", "application/json"]);
    assert.deepEqual(JSON.parse(body), { errors: ["the request's body is too large"] });
    client.socket.end();
    await client.closed();
  }
  assert.deepEqual(server.application.requests.list(), {});
});

test("a client that goes on sending what is too large is cut off", async (t) => {
  const server = await serve(t);
  const client = await rawClient(t, server.port);
  await client.send(head("POST", "/v1/a", "Content-Length: 1000000000"));
  const timer = setInterval(() => client.socket.write("x".repeat(1000)), 10);
  t.after(() => clearInterval(timer));
  assert.equal((await client.answer()).status, 413);
  await client.closed();
});

test("a body that takesStream names is handed over unread and without a limit", async (t) => {
  const handle = async ({ stream, body }: ApiRequest) => json(200, { read: (await collect(stream!)).length, body: body.length });
  const server = await serve(t, { application: echoApplication({ takesStream: ({ path }) => path === "restore", handle }) });
  const response = await fetch(`http://${server.address}/v1/restore`, { method: "POST", body: Buffer.alloc(3_000_000) });
  assert.deepEqual(await response.json(), { read: 3_000_000, body: 0 });
});

test("an upload that is refused before its end leaves its connection to the next request", async (t) => {
  // As a reader does that has seen enough: it takes a little, and then no more.
  const handle = async ({ stream }: ApiRequest) => {
    await new Promise<void>((resolve) => stream!.once("data", () => resolve(void stream!.pause())));
    return json(400, {});
  };
  const server = await serve(t, { application: echoApplication({ takesStream: ({ path }) => path === "restore", handle: (request) => (request.stream ? handle(request) : json(200, { next: true })) }) });
  const client = await rawClient(t, server.port);
  await client.send(`${head("POST", "/v1/restore", "Content-Length: 3000000")}${"x".repeat(1_000_000)}`);
  assert.equal((await client.answer()).status, 400);
  await client.send("x".repeat(2_000_000) + head("GET", "/v1/a"));
  assert.deepEqual(JSON.parse((await client.answer()).body), { next: true });
});

test("an answer that is a stream waits for its reader, and ends with it", async (t) => {
  let produced = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const source = new Readable({ read: () => void ((produced += 1), source.push(chunk)) });
  const server = await serve(t, { application: echoApplication({ handle: () => ({ status: 200, headers: {}, contentType: "application/gzip", body: source, index: 0 }) }) });
  const client = await rawClient(t, server.port);
  client.socket.pause();
  await client.send(head("GET", "/v1/snapshot"));
  let before = -1;
  while (before !== produced || produced === 0) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(produced < 1000, `${produced} chunks of 64 KiB were made for a client that reads nothing`);
  assert.equal(Object.keys(server.application.requests.list()).length, 1);
  client.socket.destroy();
  await new Promise<void>((resolve) => source.on("close", resolve));
  assert.deepEqual(server.application.requests.list(), {});
});

test("a client that reads nothing of its answer is cut off", async (t) => {
  const large = "x".repeat(20_000_000);
  const streamed = () => ({ status: 200, headers: {}, contentType: "text/plain", body: Readable.from([large, large]), index: 0 });
  const handle: ApiApplication["handle"] = ({ path }) => (path === "stream" ? streamed() : path === "later" ? new Promise((resolve) => setTimeout(() => resolve(json(200, "")), 5)) : json(200, large));
  const server = await serve(t, { listener: { idleTimeout: 0.1, maxRequestDuration: 0.1 }, application: echoApplication({ handle }) });
  for (const requests of [["GET large"], ["GET stream"], ["LIST large"], ["GET later", "GET large"]]) {
    const client = await rawClient(t, server.port);
    client.socket.pause();
    await client.send(requests.map((request) => head(request.split(" ")[0]!, `/v1/${request.split(" ")[1]}`)).join(""));
    await new Promise((resolve) => setTimeout(resolve, 400));
    // Too late: what the kernel holds is all there is.
    client.socket.resume();
    await client.closed();
    assert.ok(client.socket.bytesRead < large.length, requests.join());
  }
});

test("a stream that breaks cuts the connection: half an answer is not taken for a whole one", async (t) => {
  const server = await serve(t, {
    application: echoApplication({
      handle: () => ({ status: 200, headers: {}, contentType: "text/plain", index: 0, body: Readable.from((function* () { yield "half"; throw new Error("disk"); })()) }),
    }),
  });
  await assert.rejects(fetch(`http://${server.address}/v1/a`).then((response) => response.text()));
});

test("a client that hangs up before its answer is there leaves nothing behind", async (t) => {
  let answer: (response: ApiResponse) => void = () => {};
  let started = () => {};
  const isStarted = new Promise<void>((resolve) => (started = resolve));
  const server = await serve(t, { application: echoApplication({ handle: () => (started(), new Promise<ApiResponse>((resolve) => (answer = resolve))) }) });
  const client = await rawClient(t, server.port);
  await client.send(head("GET", "/v1/a"));
  await isStarted;
  client.socket.destroy();
  await client.closed();
  const body = Readable.from(["x"]);
  answer({ status: 200, headers: {}, contentType: "text/plain", body, index: 0 });
  await once(body, "close");
  assert.deepEqual(server.application.requests.list(), {});
  assert.deepEqual(server.logger.lines, []);
});

test("a body that breaks off is no request", async (t) => {
  let handled = 0;
  const server = await serve(t, { application: echoApplication({ handle: (request) => ((handled += 1), echo(request)) }) });
  const client = await rawClient(t, server.port);
  await client.send(`${head("POST", "/v1/a", "Content-Length: 10")}half`);
  while (Object.keys(server.application.requests.list()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  client.socket.destroy();
  while (Object.keys(server.application.requests.list()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(handled, 0);
});

test("what an application throws is 500 without its words, or the RequestError it is", async (t) => {
  const failing: Record<string, () => ApiResponse | Promise<ApiResponse>> = {
    thrown: () => { throw new Error("s3cret"); },
    rejected: () => Promise.reject(new Error("s3cret")),
    known: () => { throw new RequestError("not_found", "nothing here"); },
    header: () => json(200, {}, { "X-Bad": "a\nb" }),
  };
  const server = await serve(t, { application: echoApplication({ handle: ({ path }) => failing[path]!() }) });
  const client = await rawClient(t, server.port);
  for (const path of ["thrown", "rejected", "header"]) {
    const { status, body } = await exchange(client, head("GET", `/v1/${path}`));
    assert.deepEqual([status, JSON.parse(body)], [500, { errors: ["internal error"] }]);
  }
  assert.equal((await exchange(client, head("GET", "/v1/known"))).status, 404);
  assert.equal(server.logger.lines.length, 3);
  assert.deepEqual(server.application.requests.list(), {});
});

test("slow headers, slow bodies and slow answers come to an end", async (t) => {
  const server = await serve(t, { listener: { readHeaderTimeout: 0.1, readTimeout: 0.1, maxRequestDuration: 0.15 }, application: echoApplication({ handle: () => new Promise(() => {}) }) });
  const [headers, body, answer] = [await rawClient(t, server.port), await rawClient(t, server.port), await rawClient(t, server.port)];
  await headers.send("GET /v1/a HTTP/1.1\r\nHo");
  await body.send(`${head("POST", "/v1/a", "Content-Length: 10")}half`);
  await answer.send(head("GET", "/v1/a"));
  assert.deepEqual([(await headers.answer()).status, (await body.answer()).status, (await answer.answer()).status], [408, 408, 503]);
  await Promise.all([headers.closed(), body.closed(), answer.closed()]);
  assert.deepEqual(server.application.requests.list(), {});
});

test("an upload may take long as long as it moves, and comes to an end when it stops", async (t) => {
  const application = echoApplication({ takesStream: () => true, handle: async ({ stream }) => json(200, { size: (await collect(stream!)).length }) });
  const server = await serve(t, { listener: { readTimeout: 1, maxRequestDuration: 0.4 }, application });
  const [slow, silent] = [await rawClient(t, server.port), await rawClient(t, server.port)];
  await silent.send(`${head("POST", "/v1/up", "Content-Length: 10")}half`);
  await slow.send(head("POST", "/v1/up", "Content-Length: 100"));
  for (let i = 0; i < 10; i++) {
    await slow.send("0123456789");
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert.deepEqual(JSON.parse((await slow.answer()).body), { size: 100 });
  assert.equal((await silent.answer()).status, 408);
  await silent.closed();
  // Of an upload that was answered before its end nothing more is waited for either.
  const early = await rawClient(t, (await serve(t, { listener: { readTimeout: 0.2 }, application: echoApplication({ takesStream: () => true, handle: () => json(403, {}) }) })).port);
  await early.send(`${head("POST", "/v1/up", "Content-Length: 10")}half`);
  assert.equal((await early.answer()).status, 403);
  await early.closed();
});

test("who works on a request is told when its client has gone, and the request is off the list", async (t) => {
  let asked: ApiRequest | undefined;
  const server = await serve(t, { application: echoApplication({ handle: (request) => ((asked = request), new Promise(() => {})) }) });
  const client = await rawClient(t, server.port);
  await client.send(head("GET", "/v1/a"));
  while (!asked) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked.isAbandoned!(), false);
  client.socket.destroy();
  while (!asked.isAbandoned!()) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(server.application.requests.list(), {});
});

test("headers that are too large are 431, and other bytes than HTTP 400", async (t) => {
  const server = await serve(t);
  for (const [bytes, status] of [[head("GET", "/v1/a", `X-Large: ${"x".repeat(20_000)}`), 431], ["\u0016\u0003\u0001\u0002\r\n\r\n", 400], [head("POST", "/v1/a", "Content-Length: 3", "Transfer-Encoding: chunked"), 400]] as const) {
    const client = await rawClient(t, server.port);
    const { status: got, body, headers } = await exchange(client, bytes);
    assert.equal(got, status);
    assert.equal(headers["content-type"], "application/json");
    assert.equal((JSON.parse(body) as { errors: string[] }).errors.length, 1);
    await client.closed();
  }
});

test("CORS: nothing while off; allowed origins, preflights and refusals while on", async (t) => {
  let config: CorsConfig = { enabled: false, allowed_origins: [], allowed_headers: [] };
  const server = await serve(t, { application: echoApplication({ cors: () => config }) });
  const client = await rawClient(t, server.port);
  const off = await exchange(client, head("GET", "/v1/a", "Origin: https://page"));
  assert.deepEqual([off.status, off.headers["access-control-allow-origin"], off.headers["vary"]], [200, undefined, undefined]);
  config = { enabled: true, allowed_origins: ["https://page"], allowed_headers: ["X-Vault-Token", "X-Own"] };
  const allowed = await exchange(client, head("GET", "/v1/a", "Origin: https://page"));
  assert.deepEqual([allowed.status, allowed.headers["access-control-allow-origin"], allowed.headers["vary"]], [200, "https://page", "Origin"]);
  const foreign = await exchange(client, head("GET", "/v1/a", "Origin: https://other"));
  assert.deepEqual([foreign.status, JSON.parse(foreign.body), foreign.headers["access-control-allow-origin"]], [403, { errors: ["origin not allowed"] }, undefined]);
  const preflight = await exchange(client, head("OPTIONS", "/v1/a", "Origin: https://page", "Access-Control-Request-Method: LIST"));
  assert.deepEqual(
    [preflight.status, preflight.headers["access-control-allow-methods"], preflight.headers["access-control-allow-headers"], preflight.headers["access-control-max-age"]],
    [204, "DELETE,GET,OPTIONS,POST,PUT,LIST,SCAN,PATCH", "X-Vault-Token,X-Own", "300"],
  );
  assert.equal((await exchange(client, head("OPTIONS", "/v1/a", "Origin: https://page", "Access-Control-Request-Method: LINK"))).status, 405);
  assert.equal((await exchange(client, head("GET", "/v1/a", "Origin: http://vault"))).status, 200, "a page of this server itself");
  // As it could be stored before names were looked at.
  config = { ...config, allowed_headers: ["X-A\r\nX-B"] };
  const unlucky = await rawClient(t, server.port);
  await unlucky.send(head("OPTIONS", "/v1/a", "Origin: https://page", "Access-Control-Request-Method: GET"));
  await unlucky.closed();
  config = { ...config, allowed_origins: ["*"] };
  assert.equal((await exchange(client, head("GET", "/v1/a", "Origin: https://other"))).headers["access-control-allow-origin"], "https://other");
});

test("X-Forwarded-For of a trusted proxy names the client", async (t) => {
  const server = await serve(t, { listener: { trustedProxies: ["127.0.0.0/8"] } });
  const client = await rawClient(t, server.port);
  await client.send(head("GET", "/v1/a", "X-Forwarded-For: 203.0.113.9"));
  assert.equal((await client.echo()).remoteAddress, "203.0.113.9");
  assert.equal((await exchange(client, head("GET", "/v1/a", "X-Forwarded-For: me"))).status, 400);
});

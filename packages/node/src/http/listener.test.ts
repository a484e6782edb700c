import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { join } from "node:path";
import test from "node:test";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { createApiCertificates } from "../certificates/certificates.js";
import type { ApiApplication } from "./application.js";
import { startListener } from "./listener.js";
import { createPages } from "./pages.js";
import { testCertificates } from "./testing/certificates.js";
import { collect, echo, echoApplication, json, memoryLogger, plainListener, serve } from "./testing/echo-application.js";
import type { Echo } from "./testing/echo-application.js";
import { head, rawClient } from "./testing/raw-client.js";

interface Answer {
  readonly headers: IncomingHttpHeaders & { readonly ":status"?: number };
  readonly body: string;
}

async function ask(session: ClientHttp2Session, headers: Record<string, string>, body = ""): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === "" });
  if (body !== "") stream.end(body);
  const [answer] = (await once(stream, "response")) as [Answer["headers"]];
  return { headers: answer, body: (await collect(stream)).toString() };
}

async function http2Client(test: { after(fn: () => void): void }, port: number, ca: string): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
  test.after(() => session.destroy());
  await once(session, "connect");
  return session;
}

test("HTTP/2 serves every method, bodies and LIST without a lane", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t, { listener: { tls: certificates.tls() } });
  const session = await http2Client(t, server.port, certificates.ca);
  const list = await ask(session, { ":method": "LIST", ":path": "/v1/a", "x-vault-token": "t", "x-vault-mfa": "m:1" });
  const { operation, path, token, headers, remoteAddress } = JSON.parse(list.body) as Echo;
  assert.deepEqual({ operation, path, token, remoteAddress }, { operation: "list", path: "a/", token: "t", remoteAddress: "127.0.0.1" });
  assert.deepEqual(headers, { "x-vault-mfa": "m:1" }, "neither the token nor HTTP/2's own headers are handed on");
  assert.equal(list.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
  assert.equal(list.headers["content-type"], "application/json");
  const update = await ask(session, { ":method": "POST", ":path": "/v1/a" }, "hello");
  assert.equal((JSON.parse(update.body) as Echo).body, "hello");
  assert.equal((await ask(session, { ":method": "LINK", ":path": "/v1/a" })).headers[":status"], 405);
  const headAnswer = await ask(session, { ":method": "HEAD", ":path": "/v1/sys/health" });
  assert.deepEqual([headAnswer.headers[":status"], headAnswer.body], [200, ""]);
  const tooLarge = await ask(session, { ":method": "POST", ":path": "/v1/a" }, "x".repeat(2000));
  assert.equal(tooLarge.headers[":status"], 413);
  assert.equal((await ask(session, { ":method": "GET", ":path": "/v1/b" })).headers[":status"], 200, "the connection goes on");
});

test("pages are served over HTTP/1.1 and HTTP/2", async (t) => {
  const certificates = await testCertificates(t);
  for (const ui of [true, false]) {
    const other = createPages({ ui, handlers: [(request, response, next) => (request.path === "/ui/" ? void response.send(`hello over ${request.httpVersion}`) : next())] });
    const server = await serve(t, { listener: { tls: certificates.tls() }, other });
    const http1 = await rawClient(t, server.port, { ca: certificates.ca });
    const http2 = await http2Client(t, server.port, certificates.ca);
    const get = async (path: string) => {
      await http1.send(head("GET", path));
      const over1 = await http1.answer();
      const over2 = await ask(http2, { ":method": "GET", ":path": path });
      return [
        { status: over1.status, location: over1.headers["location"], body: over1.body },
        { status: over2.headers[":status"], location: over2.headers.location, body: over2.body },
      ];
    };
    for (const root of await get("/")) {
      if (ui) assert.deepEqual([root.status, root.location], [307, "/ui/"]);
      else assert.equal(root.status, 404);
    }
    for (const missing of [...(await get("/v2/x")), ...(await get("/v1"))]) assert.deepEqual([missing.status, missing.body], [404, '{"errors":["not found"]}']);
    assert.deepEqual((await get("/ui/")).map(({ body }) => body), ["hello over 1.1", "hello over 2.0"]);
    http2.destroy();
  }
});

test("versions of TLS outside the range are refused", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t, { listener: { tls: certificates.tls({ minVersion: "TLSv1.3", ciphers: ["ECDHE-ECDSA-AES128-GCM-SHA256"] }) } });
  await assert.rejects(rawClient(t, server.port, { ca: certificates.ca, maxVersion: "TLSv1.2" }), /protocol version|handshake/i);
  const client = await rawClient(t, server.port, { ca: certificates.ca });
  assert.equal((client.socket as TLSSocket).getProtocol(), "TLSv1.3", "naming suites of TLS 1.2 leaves TLS 1.3 on");
});

test("only the suites that are named are taken", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t, { listener: { tls: certificates.tls({ ciphers: ["ECDHE-ECDSA-AES128-GCM-SHA256"] }) } });
  const tls12 = { ca: certificates.ca, maxVersion: "TLSv1.2" } as const;
  const client = await rawClient(t, server.port, tls12);
  assert.equal((client.socket as TLSSocket).getCipher().standardName, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  await assert.rejects(rawClient(t, server.port, { ...tls12, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }));
});

test("client certificates: handed on unverified, required and verified, or not asked for", async (t) => {
  const certificates = await testCertificates(t);
  const shown = { ca: certificates.ca, cert: certificates.clientCertificate, key: certificates.clientKey };
  const stranger = await createApiCertificates(["stranger"]);
  const foreign = { ca: certificates.ca, cert: stranger.certificate, key: stranger.key };
  const bytes = async (port: number, tls: object) => {
    const client = await rawClient(t, port, tls);
    await client.send(head("GET", "/v1/a") + head("GET", "/v1/b"));
    const first = (await client.echo()).certificateBytes;
    assert.equal((await client.echo()).certificateBytes, first);
    return first;
  };
  const lenient = await serve(t, { listener: { tls: certificates.tls() } });
  assert.ok((await bytes(lenient.port, shown)) > 100);
  assert.ok((await bytes(lenient.port, foreign)) > 100);
  assert.equal(await bytes(lenient.port, { ca: certificates.ca }), 0);
  const strict = await serve(t, { listener: { tls: certificates.tls({ requireClientCertificate: true }) } });
  assert.ok((await bytes(strict.port, shown)) > 100);
  await assert.rejects(bytes(strict.port, foreign));
  await assert.rejects(bytes(strict.port, { ca: certificates.ca }));
  const off = await serve(t, { listener: { tls: certificates.tls({ acceptClientCertificates: false }) } });
  assert.equal(await bytes(off.port, shown), 0);
});

test("reload serves new certificates to new connections, and keeps the old ones when the new are bad", async (t) => {
  const certificates = await testCertificates(t);
  const tls = certificates.tls();
  const server = await serve(t, { listener: { tls } });
  const serial = async () => {
    const client = await rawClient(t, server.port, { rejectUnauthorized: false });
    return ((client.socket as TLSSocket).getPeerCertificate() as PeerCertificate).serialNumber;
  };
  const old = await serial();
  const renewed = await createApiCertificates(["127.0.0.1"]);
  await writeFile(tls.certificateFile, renewed.certificate);
  server.reload();
  assert.match(server.logger.lines.at(-1) ?? "", /^error certificate not reloaded/, "the key is still the old one's");
  assert.equal(await serial(), old);
  await writeFile(tls.keyFile, renewed.key);
  server.reload();
  assert.match(server.logger.lines.at(-1) ?? "", /^info certificate reloaded/);
  assert.notEqual(await serial(), old);
  await writeFile(tls.keyFile, "nonsense");
  const renewedSerial = await serial();
  server.reload();
  assert.equal(await serial(), renewedSerial);
});

test("starting fails where the address is taken or the certificate is not there", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t);
  const start = (overrides: object) => startListener({ listener: plainListener(overrides), application: echoApplication(), logger: memoryLogger() });
  await assert.rejects(start({ address: server.address }), { code: "EADDRINUSE" });
  await assert.rejects(start({ tls: certificates.tls({ certificateFile: join(certificates.folder, "missing") }) }), { code: "ENOENT" });
  await assert.rejects(start({ trustedProxies: ["nobody"] }), /neither an address nor a CIDR/);
});

test("close drops idle connections at once and lets requests under way finish", async (t) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let start = () => {};
  const started = new Promise<void>((resolve) => (start = resolve));
  const handle: ApiApplication["handle"] = (request) => {
    if (request.path !== "held") return echo(request);
    start();
    return held.then(() => echo(request));
  };
  const server = await serve(t, { application: echoApplication({ handle }) });
  const [idle, busy, idleLane] = [await rawClient(t, server.port), await rawClient(t, server.port), await rawClient(t, server.port)];
  await idle.send(head("GET", "/v1/a"));
  await idle.echo();
  await idleLane.send(head("LIST", "/v1/a"));
  await idleLane.echo();
  await busy.send(head("GET", "/v1/held"));
  await started;
  const closing = server.close(60_000);
  await Promise.all([idle.closed(), idleLane.closed()]);
  await assert.rejects(rawClient(t, server.port), { code: "ECONNREFUSED" });
  release();
  assert.equal((await busy.answer()).headers["connection"], "close");
  await closing;
});

test("close destroys what is left when the grace is over", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t, { listener: { tls: certificates.tls() }, application: echoApplication({ handle: () => new Promise(() => {}) }) });
  const client = await rawClient(t, server.port, { ca: certificates.ca });
  await client.send(head("GET", "/v1/a"));
  await server.close(20);
  await client.closed();
});

test("an HTTP/2 connection finishes its requests when the listener closes", async (t) => {
  const certificates = await testCertificates(t);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const server = await serve(t, { listener: { tls: certificates.tls() }, application: echoApplication({ handle: (request) => held.then(() => json(200, { path: request.path })) }) });
  const session = await http2Client(t, server.port, certificates.ca);
  const asked = ask(session, { ":method": "GET", ":path": "/v1/a" });
  const goAway = once(session, "goaway");
  while (Object.keys(server.application.requests.list()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closing = server.close(60_000);
  await goAway;
  release();
  assert.equal((await asked).headers[":status"], 200);
  await closing;
});

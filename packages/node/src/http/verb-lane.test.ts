import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { echo, echoApplication, json, serve } from "./testing/echo-application.js";
import type { Serving } from "./testing/echo-application.js";
import { head, rawClient } from "./testing/raw-client.js";
import type { RawClient } from "./testing/raw-client.js";
import { testCertificates } from "./testing/certificates.js";

const seen = ({ operation, path, body }: { operation: string; path: string; body: string }) => (body === "" ? `${operation} ${path}` : `${operation} ${path} ${body}`);

/** Every case runs over TCP and over TLS. */
function onBoth(name: string, run: (client: RawClient, server: Serving, another: () => Promise<RawClient>) => Promise<void>, application?: () => ReturnType<typeof echoApplication>): void {
  test(name, async (t) => {
    const server = await serve(t, application && { application: application() });
    const another = () => rawClient(t, server.port);
    await run(await another(), server, another);
  });
  test(`${name}, over TLS`, async (t) => {
    const certificates = await testCertificates(t);
    const server = await serve(t, { listener: { tls: certificates.tls() }, ...(application && { application: application() }) });
    const another = () => rawClient(t, server.port, { ca: certificates.ca });
    await run(await another(), server, another);
  });
}

onBoth("LIST, SCAN and HELP are served", async (client) => {
  for (const [verb, operation] of [["LIST", "list"], ["SCAN", "scan"], ["HELP", "help"]] as const) {
    await client.send(head(verb, "/v1/secret/a/"));
    assert.equal(seen(await client.echo()), `${operation} secret/a/`);
  }
});

onBoth("LIST before and after other methods on one connection", async (client) => {
  for (const [method, expected] of [["LIST", "list a/"], ["GET", "read a"], ["LIST", "list a/"], ["LIST", "list a/"], ["DELETE", "delete a"], ["GET", "read a"], ["SCAN", "scan a/"]] as const) {
    await client.send(head(method, "/v1/a"));
    assert.equal(seen(await client.echo()), expected);
  }
});

onBoth("pipelined requests are answered in their order", async (client) => {
  const methods = ["GET", "LIST", "LIST", "GET", "SCAN", "LIST", "GET"];
  await client.send(methods.map((method, at) => head(method, `/v1/p${at}`)).join(""));
  const got: string[] = [];
  for (const _ of methods) got.push(seen(await client.echo()));
  assert.deepEqual(got, ["read p0", "list p1/", "list p2/", "read p3", "scan p4/", "list p5/", "read p6"]);
});

onBoth(
  "a LIST waits for slower answers before it",
  async (client) => {
    await client.send(`${head("GET", "/v1/slow")}${head("GET", "/v1/slow2")}${head("LIST", "/v1/a")}${head("GET", "/v1/slow3")}${head("LIST", "/v1/b")}`);
    const got: string[] = [];
    for (let at = 0; at < 5; at++) got.push(seen(await client.echo()));
    assert.deepEqual(got, ["read slow", "read slow2", "list a/", "read slow3", "list b/"]);
  },
  () =>
    echoApplication({
      handle: (request) => (request.path.startsWith("slow") ? new Promise((resolve) => setTimeout(() => resolve(echo(request)), 20)) : echo(request)),
    }),
);

onBoth("a LIST with a body, by length and chunked", async (client) => {
  await client.send(`${head("LIST", "/v1/a", "Content-Length: 5")}hello${head("LIST", "/v1/b", "Transfer-Encoding: chunked")}5\r\nworld\r\n0\r\n\r\n${head("GET", "/v1/c")}`);
  assert.equal(seen(await client.echo()), "list a/ hello");
  assert.equal(seen(await client.echo()), "list b/ world");
  assert.equal(seen(await client.echo()), "read c");
});

onBoth("bytes of a body that look like a request stay a body", async (client) => {
  const inner = head("LIST", "/v1/inner");
  await client.send(`${head("POST", "/v1/a", `Content-Length: ${inner.length}`)}${inner}${head("LIST", "/v1/b")}`);
  assert.equal(seen(await client.echo()), `update a ${inner}`);
  assert.equal(seen(await client.echo()), "list b/");
  // The same once the connection runs over a lane, and with the body in a segment of its own.
  await client.send(head("LIST", "/v1/c", `Content-Length: ${inner.length}`));
  await client.send(inner);
  assert.equal(seen(await client.echo()), `list c/ ${inner}`);
});

for (const before of [[], ["GET"], ["LIST"]]) {
  for (let at = 1; at <= 5; at++) {
    onBoth(`a LIST split after ${at} bytes${before.length > 0 ? ` after a ${before[0]}` : ""}`, async (client, _server, another) => {
      for (const method of before) {
        await client.send(head(method, "/v1/a"));
        await client.echo();
      }
      const request = head("LIST", "/v1/a");
      await client.send(request.slice(0, at));
      await settle(another);
      await client.send(request.slice(at));
      assert.equal(seen(await client.echo()), "list a/");
      await client.send(head("GET", "/v1/b"));
      assert.equal(seen(await client.echo()), "read b");
    });
  }
}

onBoth("SCAN and HELP, byte by byte", async (client) => {
  for (const [verb, expected] of [["SCAN", "scan a/"], ["HELP", "help a"], ["SCAN", "scan a/"]] as const) {
    for (const byte of head(verb, "/v1/a")) await client.send(byte);
    assert.equal(seen(await client.echo()), expected);
  }
});

onBoth("a genuine LINK is refused, alone and beside LIST", async (client) => {
  const expectRefusal = async () => {
    const { status, headers, body } = await client.answer();
    assert.equal(status, 405);
    assert.match(headers["allow"] ?? "", /LIST/);
    assert.deepEqual(JSON.parse(body), { errors: ["unsupported method"] });
  };
  await client.send(head("LINK", "/v1/a"));
  await expectRefusal();
  await client.send(head("LIST", "/v1/a"));
  await client.echo();
  await client.send(head("LINK", "/v1/a"));
  await expectRefusal();
  await client.send(`${head("LIST", "/v1/b")}${head("LINK", "/v1/a")}${head("LIST", "/v1/c")}`);
  assert.equal(seen(await client.echo()), "list b/");
  await expectRefusal();
  assert.equal(seen(await client.echo()), "list c/");
});

test("property: however requests are cut into segments, each is read as what it is", async (t) => {
  const server = await serve(t);
  const body = fc.array(fc.constantFrom("LIST /v1/x HTTP/1.1\r\n\r\n", "SCAN", "LI", "LINK ", "\r\n", "{"), { maxLength: 3 }).map((parts) => (parts.length === 0 ? "" : `${parts.join("")}}`));
  const request = fc.record({ method: fc.constantFrom("GET", "LIST", "SCAN", "POST", "LIST"), body });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), fc.array(fc.nat({ max: 60 })), async (requests, cuts) => {
      const client = await rawClient(t, server.port);
      let rest = requests.map(({ method, body: text }, at) => head(method, `/v1/p${at}`, `Content-Length: ${text.length}`) + text).join("");
      for (const cut of cuts) {
        if (cut > 0 && rest !== "") await client.send(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      await client.send(rest);
      const operations = { GET: "read", LIST: "list", SCAN: "scan", POST: "update" } as const;
      for (const [at, { method, body: text }] of requests.entries()) {
        const slash = method === "LIST" || method === "SCAN" ? "/" : "";
        assert.equal(seen(await client.echo()), seen({ operation: operations[method as keyof typeof operations], path: `p${at}${slash}`, body: text }));
      }
      client.socket.destroy();
    }),
    { numRuns: 150 },
  );
});

test("words that are no method are refused, and so is LINK in LIST's disguise", async (t) => {
  const server = await serve(t);
  for (const word of ["LISTS", "UNLIST", "UNSCAN", "M-SCAN", "CHELP", "OPTIONSCAN", "XLIST", "BIST", "PUST", "list", "LIS", "LI", "SC", "LINKS", "GETLIST", "RECOVER"]) {
    const client = await rawClient(t, server.port);
    await client.send(head(word, "/v1/a"));
    const { status } = await client.answer();
    assert.ok(status === 400 || status === 405, `${word}: ${status}`);
  }
  const client = await rawClient(t, server.port);
  await client.send("LIS");
  await settle(() => rawClient(t, server.port));
  await client.send(head("K", "/v1/a"));
  assert.notEqual((await client.answer()).status, 200);
});

onBoth("a broken request after LIST answers 400 behind it and closes", async (client) => {
  await client.send(`${head("LIST", "/v1/a")}${head("NONSENSE", "/v1/b")}`);
  assert.equal(seen(await client.echo()), "list a/");
  assert.equal((await client.answer()).status, 400);
  await client.closed();
});

onBoth("a client that hangs up while its LIST is worked on leaves nothing in flight", async (client, server) => {
  const ends = new Promise<void>((resolve) => {
    const { list } = server.application.requests;
    const timer = setInterval(() => {
      if (Object.keys(list()).length > 0) client.socket.destroy();
      else if (client.socket.destroyed) {
        clearInterval(timer);
        resolve();
      }
    }, 1);
  });
  await client.send(head("LIST", "/v1/slow"));
  await ends;
}, () => echoApplication({ handle: () => new Promise((resolve) => setTimeout(() => resolve(json(200, {})), 30)) }));

test("LIST knows the client's address and certificate", async (t) => {
  const certificates = await testCertificates(t);
  const server = await serve(t, { listener: { tls: certificates.tls({ requireClientCertificate: true }) } });
  const client = await rawClient(t, server.port, { ca: certificates.ca, cert: certificates.clientCertificate, key: certificates.clientKey });
  await client.send(head("LIST", "/v1/a"));
  const { certificateBytes, remoteAddress, remotePort } = await client.echo();
  assert.ok(certificateBytes > 100);
  assert.equal(remoteAddress, "127.0.0.1");
  assert.equal(remotePort, client.socket.localPort);
});

test("a connection that has sent LIST closes when it is idle for too long", async (t) => {
  const server = await serve(t, { listener: { idleTimeout: 0.05 } });
  const client = await rawClient(t, server.port);
  await client.send(head("LIST", "/v1/a"));
  await client.echo();
  await client.closed();
});

test("a verb that never ends is timed out", async (t) => {
  const server = await serve(t, { listener: { readHeaderTimeout: 0.1 } });
  for (const start of ["LIS", `${head("LIST", "/v1/a")}LIST /v1/b`]) {
    const client = await rawClient(t, server.port);
    await client.send(start);
    if (start !== "LIS") await client.echo();
    assert.equal((await client.answer()).status, 408);
    await client.closed();
  }
});

test("a large answer to a LIST arrives whole over a lane", async (t) => {
  const keys = Array.from({ length: 40_000 }, (_, at) => `key-${at}`);
  const server = await serve(t, { application: echoApplication({ handle: () => json(200, { keys }) }) });
  const client = await rawClient(t, server.port);
  await client.send(head("LIST", "/v1/a"));
  assert.deepEqual((JSON.parse((await client.answer()).body) as { keys: string[] }).keys, keys);
});

/** What was sent before is read by the server: it has answered another connection's request that was sent later. */
async function settle(another: () => Promise<RawClient>): Promise<void> {
  const client = await another();
  await client.send(head("GET", "/v1/later"));
  await client.echo();
}

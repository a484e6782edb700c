import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterEach, describe, it } from "node:test";
import { ApiError, ClientSetupError, ConnectionError, createClient, fromEnvironment, ignoredVariables, kv, type Client, type ClientOptions } from "./index.js";

const servers: Server[] = [];
const clients: Client[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(address: string, options: ClientOptions = {}): Client {
  const client = createClient({ address, minRetryWaitMs: 1, maxRetryWaitMs: 2, ...options });
  clients.push(client);
  return client;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Answers with these statuses in turn, the last one for ever; counts the requests. */
async function serveStatuses(statuses: readonly number[], headers: Record<string, string> = {}): Promise<{ address: string; count: () => number }> {
  let count = 0;
  const address = await serve((request, response) => {
    request.resume();
    const status = statuses[Math.min(count, statuses.length - 1)] ?? 500;
    count += 1;
    response.writeHead(status, headers).end(status < 300 ? '{"data":{"ok":true}}' : '{"errors":["no"]}');
  });
  return { address, count: () => count };
}

describe("a request", () => {
  it("carries token, namespace, MFA, wrapping and JSON", async () => {
    let seen: IncomingMessage | undefined;
    let body = "";
    const address = await serve(async (request, response) => {
      seen = request;
      body = await bodyOf(request);
      response.end('{"data":{}}');
    });
    const client = connect(address, { token: "t", namespace: "ns", mfa: ["a:1", "b"], wrapTtl: "60s", headers: { "X-Own": "1" } });
    await client.request("PUT", "/secret/data/a b/ü?", { body: { data: { k: "v" } }, query: { version: 3, skip: undefined } });
    assert.equal(seen?.url, "/v1/secret/data/a%20b/%C3%BC%3F?version=3");
    assert.equal(seen?.headers["x-vault-token"], "t");
    assert.equal(seen?.headers["x-vault-namespace"], "ns");
    assert.equal(seen?.headers["x-vault-mfa"], "a:1, b");
    assert.equal(seen?.headers["x-vault-wrap-ttl"], "60s");
    assert.equal(seen?.headers["x-vault-request"], "true");
    assert.equal(seen?.headers["x-own"], "1");
    assert.equal(seen?.headers["content-type"], "application/json");
    assert.equal(body, '{"data":{"k":"v"}}');
  });

  it("lists by GET with list=true and patches with merge-patch", async () => {
    const seen: string[] = [];
    const address = await serve((request, response) => {
      request.resume();
      seen.push(`${request.method} ${request.url} ${request.headers["content-type"] ?? ""}`.trim());
      response.end('{"data":{"keys":["a"]}}');
    });
    const client = connect(address);
    assert.deepEqual(await kv.list(client, "secret", "x"), ["a"]);
    await client.request("PATCH", "p", { body: {} });
    assert.deepEqual(seen, ["GET /v1/secret/metadata/x?list=true", "PATCH /v1/p application/merge-patch+json"]);
  });

  it("does not let a path climb out of itself", async () => {
    const client = connect("http://127.0.0.1:1");
    for (const path of ["secret/../sys/mounts", "secret/./x", ".."]) await assert.rejects(client.send("GET", path), ClientSetupError);
    assert.equal(client.describe("GET", "secret/%2e%2e/x..y").url, "http://127.0.0.1:1/v1/secret/%252e%252e/x..y");
  });

  it("answers 204 with an empty envelope", async () => {
    const address = await serve((request, response) => {
      request.resume();
      response.writeHead(204).end();
    });
    assert.deepEqual((await connect(address).request("DELETE", "x")).data, {});
  });

  it("refuses a token that would break the header", async () => {
    await assert.rejects(connect("http://127.0.0.1:1", { token: "a\nb" }).send("GET", "x"), ClientSetupError);
  });
});

describe("errors", () => {
  it("carry status, lines, data and the text of Vault's clients", async () => {
    const address = await serve((request, response) => {
      request.resume();
      response.writeHead(404).end('{"errors":["gone"],"data":{"metadata":{"version":1}},"warnings":["w"]}');
    });
    await assert.rejects(connect(address).send("GET", "a"), (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, 404);
      assert.deepEqual(error.errors, ["gone"]);
      assert.deepEqual(error.data, { metadata: { version: 1 } });
      assert.deepEqual(error.warnings, ["w"]);
      assert.equal(error.message, `Error making API request.\n\nURL: GET ${address}/v1/a\nCode: 404. Errors:\n\n* gone`);
      return true;
    });
  });

  it("show a body that is no JSON as it is", async () => {
    const address = await serve((request, response) => {
      request.resume();
      response.writeHead(400).end("<html>");
    });
    await assert.rejects(connect(address).send("GET", "a"), { message: `Error making API request.\n\nURL: GET ${address}/v1/a\nCode: 400. Raw Message:\n\n<html>` });
  });

  it("tell a refused connection and a server that says nothing apart", async () => {
    await assert.rejects(connect("http://127.0.0.1:1", { maxRetries: 0 }).send("GET", "a"), (error: unknown) => error instanceof ConnectionError && error.code === "ECONNREFUSED");
    const address = await serve((request) => void request.resume());
    await assert.rejects(
      connect(address, { maxRetries: 0, timeoutMs: 20 }).send("GET", "a"),
      (error: unknown) => error instanceof ConnectionError && error.code === "ETIMEDOUT",
    );
  });

  it("do not mistake a standby's health for one", async () => {
    const { address } = await serveStatuses([429]);
    assert.equal((await connect(address).send("GET", "sys/health")).status, 429);
  });
});

describe("retries", () => {
  it("repeat 5xx, 429 and 412 up to maxRetries, writes too", async () => {
    for (const status of [500, 503, 429, 412]) {
      const { address, count } = await serveStatuses([status, status, 200]);
      assert.deepEqual((await connect(address).request("PUT", "x", { body: {} })).data, { ok: true });
      assert.equal(count(), 3);
    }
    const { address, count } = await serveStatuses([500]);
    await assert.rejects(connect(address, { maxRetries: 1 }).send("GET", "x"), ApiError);
    assert.equal(count(), 2);
  });

  it("leave 501 and 4xx alone", async () => {
    for (const status of [501, 400, 403, 404]) {
      const { address, count } = await serveStatuses([status]);
      await assert.rejects(connect(address).send("GET", "x"), ApiError);
      assert.equal(count(), 1);
    }
  });

  it("wait as long as Retry-After says", async () => {
    const { address } = await serveStatuses([429, 200], { "Retry-After": "0" });
    // Without the header this would wait for a minute.
    assert.equal((await connect(address, { minRetryWaitMs: 60_000, maxRetryWaitMs: 60_000 }).send("GET", "x")).status, 200);
  });

  it("repeat a lost connection for reads only", async () => {
    const attempts: string[] = [];
    const address = await serve((request, response) => {
      attempts.push(request.method ?? "");
      if (attempts.length < 3) request.socket.destroy();
      else response.end('{"data":{"ok":true}}');
    });
    assert.deepEqual((await connect(address).request("GET", "x")).data, { ok: true });
    assert.equal(attempts.length, 3);
    attempts.length = 0;
    await assert.rejects(connect(address).request("PUT", "x", { body: {} }), ConnectionError);
    assert.deepEqual(attempts, ["PUT"]);
  });
});

describe("redirects", () => {
  it("are followed once, with method, token and body, a streamed one too", async () => {
    const seen: string[] = [];
    const active = await serve(async (request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["x-vault-token"]} ${await bodyOf(request)}`);
      response.end('{"data":{}}');
    });
    const standby = await serve((request, response) => {
      request.resume();
      response.writeHead(307, { Location: `${active}${request.url}` }).end();
    });
    const client = connect(standby, { token: "t" });
    await client.request("PUT", "a", { body: { x: 1 } });
    await client.send("POST", "b", { rawBody: () => Readable.from(["one", "two"]) });
    assert.deepEqual(seen, ['PUT /v1/a t {"x":1}', "POST /v1/b t onetwo"]);
    assert.equal((await connect(standby, { followRedirects: false }).send("GET", "a")).status, 307);
  });

  it("end after one", async () => {
    let count = 0;
    const address = await serve((request, response) => {
      request.resume();
      count += 1;
      response.writeHead(307, { Location: "/v1/again" }).end();
    });
    assert.equal((await connect(address).send("GET", "a")).status, 307);
    assert.equal(count, 2);
  });
});

describe("streams", () => {
  it("hand over a body as it comes", async () => {
    const address = await serve((request, response) => {
      request.resume();
      response.write("first ");
      response.end("last");
    });
    const { body } = await connect(address).stream("GET", "sys/storage/raft/snapshot");
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), "first last");
  });
});

describe("the environment", () => {
  it("gives every option", () => {
    const options = fromEnvironment({
      VAULT_ADDR: "https://v:8200",
      VAULT_TOKEN: " t\n",
      VAULT_SKIP_VERIFY: "true",
      VAULT_CLIENT_TIMEOUT: "2m",
      VAULT_MAX_RETRIES: "5",
      VAULT_NAMESPACE: "ns",
      VAULT_MFA: "a:1,b",
      VAULT_TLS_SERVER_NAME: "name",
      VAULT_CACERT: "/ca",
    });
    assert.deepEqual(options, { address: "https://v:8200", token: "t", skipVerify: true, timeoutMs: 120_000, maxRetries: 5, namespace: "ns", mfa: ["a:1", "b"], tlsServerName: "name", caCert: "/ca" });
    assert.deepEqual(fromEnvironment({ VAULT_ADDR: "" }), {});
    assert.deepEqual(ignoredVariables({ VAULT_HTTP_PROXY: "x" }), ["VAULT_HTTP_PROXY"]);
  });

  it("is refused where it does not parse", () => {
    for (const env of [{ VAULT_CLIENT_TIMEOUT: "soon" }, { VAULT_MAX_RETRIES: "-1" }, { VAULT_SKIP_VERIFY: "maybe" }]) {
      assert.throws(() => fromEnvironment(env), ClientSetupError);
    }
    assert.throws(() => createClient({ address: "vault:8200" }), ClientSetupError);
    assert.throws(() => createClient({ clientCert: "/x" }), /both client cert and client key/);
    assert.throws(() => createClient({ address: "https://v", caCert: "/does/not/exist" }), ClientSetupError);
  });
});

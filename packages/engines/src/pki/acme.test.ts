import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { Client, crypto } from "acme-client";
import { createHarness } from "../testing/harness.js";
import type { Harness, Method } from "../testing/harness.js";
import { openSsl } from "./testing.js";

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The service behind a real HTTP server; what is due on the active node is done after each request. */
async function serve(t: TestContext, harness: Harness): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const method = (request.method === "HEAD" ? "GET" : request.method) as Method;
      const body = Buffer.concat(parts).toString();
      const answer = await harness.exchange(method, request.url!.replace("/v1/", ""), body === "" ? undefined : body, { token: "", contentType: request.headers["content-type"] ?? "" });
      await harness.doDueWork();
      response.writeHead(answer.status, { ...answer.headers, ...(answer.contentType && { "content-type": answer.contentType }) }).end(request.method === "HEAD" ? undefined : answer.bytes);
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return `http://127.0.0.1:${await listening(t, server)}/v1/pki`;
}

async function createAcme(t: TestContext) {
  const proofs = new Map<string, string>();
  const http = await listening(t, createServer((request, response) => {
    const proof = proofs.get(request.url!);
    response.writeHead(proof === undefined ? 404 : 200).end(proof);
  }));
  const tls = createTlsServer({ ALPNProtocols: ["acme-tls/1"], SNICallback: (_name, done) => done(null) });
  tls.listen(0, "127.0.0.1");
  await once(tls, "listening");
  t.after(() => tls.close());
  const harness = await createHarness({ services: { pki: { acmePorts: { http, tls: (tls.address() as AddressInfo).port } } } });
  harness.clock.advance(Math.floor((Date.now() - harness.clock.now()) / 1000));
  await harness.mount("pki", "pki");
  const write = async (path: string, body: Record<string, unknown>) => {
    const answer = await harness.request("POST", `pki/${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.body["data"];
  };
  const root = await write("root/generate/internal", { common_name: "ACME Root", key_type: "ec", ttl: "700h" });
  const url = await serve(t, harness);
  const client = async (directory = "", options: { readonly externalAccountBinding?: { readonly kid: string; readonly hmacKey: string } } = {}) =>
    new Client({ directoryUrl: `${url}/${directory}acme/directory`, accountKey: await crypto.createPrivateEcdsaKey(), backoffMin: 1, backoffMax: 5, ...options });
  return { ...harness, proofs, tls, url, write, client, root: root.certificate as string };
}

type Acme = Awaited<ReturnType<typeof createAcme>>;

async function order(acme: Acme, client: Client, names: readonly string[], more: Partial<Parameters<Client["auto"]>[0]> = {}) {
  const [key, csr] = await crypto.createCsr({ commonName: names[0]!, altNames: [...names] });
  const certificate = await client.auto({
    csr,
    termsOfServiceAgreed: true,
    skipChallengeVerification: true,
    challengePriority: ["http-01"],
    challengeCreateFn: async (_authorization, challenge, proof) => void acme.proofs.set(`/.well-known/acme-challenge/${challenge.token}`, proof),
    challengeRemoveFn: async () => {},
    ...more,
  });
  return { key, certificate };
}

test("an ACME client gets a certificate by http-01, and revokes it", async (t) => {
  const openssl = openSsl(t);
  const acme = await createAcme(t);
  await assert.rejects(async () => (await acme.client()).createAccount(), /error 404/);
  assert.equal((await acme.request("POST", "pki/config/acme", { enabled: true })).status, 400);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true });
  const client = await acme.client();
  const { certificate } = await order(acme, client, ["localhost"]);
  const file = openssl.file("c.pem", certificate);
  assert.match(openssl("verify", "-CAfile", openssl.file("root.pem", acme.root), file), /OK/);
  const text = openssl("x509", "-in", file, "-noout", "-text");
  assert.match(text, /DNS:localhost/);
  assert.match(text, /TLS Web Server Authentication\s/);
  assert.doesNotMatch(text, /Client Authentication/);
  await client.revokeCertificate(certificate);
  await assert.rejects(client.revokeCertificate(certificate), /was revoked/);
  const { body } = await acme.request("LIST", "pki/certs/revoked");
  assert.equal(body["data"].keys.length, 1);
  await client.updateAccount({ status: "deactivated" } as never);
  await assert.rejects(order(acme, client, ["localhost"]), /deactivated/);
});

test("dns-01 asks the resolver that is set, also for a wildcard", async (t) => {
  const acme = await createAcme(t);
  const records = new Map<string, string[]>();
  const dns = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => dns.close());
  await once(dns, "listening");
  dns.on("message", (message, { port, address }) => {
    const end = message.indexOf(0, 12) + 5;
    const labels: string[] = [];
    for (let at = 12; message[at] !== 0; at += message[at]! + 1) labels.push(message.toString("latin1", at + 1, at + 1 + message[at]!));
    const texts = records.get(labels.join(".")) ?? [];
    const header = Buffer.from([message[0]!, message[1]!, 0x81, 0x80, 0, 1, 0, texts.length, 0, 0, 0, 0]);
    const answers = texts.map((text) => Buffer.concat([Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 1, 0, text.length + 1, text.length]), Buffer.from(text)]));
    dns.send(Buffer.concat([header, message.subarray(12, end), ...answers]), port, address);
  });
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("roles/web", { allowed_domains: "example.com", allow_subdomains: true, allow_bare_domains: true, key_type: "any", max_ttl: "24h" });
  await acme.write("config/acme", { enabled: true, dns_resolver: `127.0.0.1:${dns.address().port}`, default_directory_policy: "forbid", allowed_roles: "web" });
  await assert.rejects(async () => (await acme.client()).createAccount(), /error 401/);
  const client = await acme.client("roles/web/");
  const { certificate } = await order(acme, client, ["*.example.com", "example.com"], {
    challengePriority: ["dns-01"],
    challengeCreateFn: async (authorization, _challenge, proof) => {
      const name = `_acme-challenge.${authorization.identifier.value}`;
      records.set(name, [...(records.get(name) ?? []), proof]);
    },
  });
  const openssl = openSsl(t);
  assert.match(openssl("x509", "-in", openssl.file("c.pem", certificate), "-noout", "-ext", "subjectAltName"), /DNS:\*\.example\.com, DNS:example\.com/);
  await assert.rejects(order(acme, client, ["evil.org"]), /not allowed by this role/);
});

test("tls-alpn-01 looks at the certificate that the server shows", async (t) => {
  const acme = await createAcme(t);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true });
  const client = await acme.client();
  const { certificate } = await order(acme, client, ["localhost"], {
    challengePriority: ["tls-alpn-01"],
    challengeCreateFn: async (authorization, _challenge, proof) => {
      const [key, cert] = await crypto.createAlpnCertificate(authorization, proof);
      acme.tls.setSecureContext({ key, cert: String(cert) });
    },
  });
  assert.match(certificate, /BEGIN CERTIFICATE/);
});

test("accounts are bound to keys that were given out, once", async (t) => {
  const acme = await createAcme(t);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true, eab_policy: "always-required" });
  await assert.rejects(order(acme, await acme.client(), ["localhost"]), /external account binding/i);
  const { id, key, key_type, acme_directory } = await acme.write("acme/new-eab", {});
  assert.deepEqual([key_type, acme_directory], ["hs", "acme/directory"]);
  assert.equal((await acme.request("POST", "pki/acme/new-eab", {}, { token: "" })).status, 403);
  assert.deepEqual((await acme.request("LIST", "pki/eab")).body["data"].keys, [id]);
  const externalAccountBinding = { kid: id as string, hmacKey: key as string };
  assert.match((await order(acme, await acme.client("", { externalAccountBinding }), ["localhost"])).certificate, /BEGIN/);
  await assert.rejects(order(acme, await acme.client("", { externalAccountBinding }), ["localhost"]), /names no key/);
  assert.equal((await acme.request("LIST", "pki/eab")).status, 404);
});

test("a challenge that is not met fails the order after some attempts", async (t) => {
  const acme = await createAcme(t);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true });
  const client = await acme.client();
  await client.createAccount({ termsOfServiceAgreed: true });
  const made = await client.createOrder({ identifiers: [{ type: "dns", value: "localhost" }] });
  const [authorization] = await client.getAuthorizations(made);
  await client.completeChallenge(authorization!.challenges.find(({ type }) => type === "http-01")!);
  for (let i = 0; i < 5; i++) {
    acme.clock.advance(100);
    await acme.doDueWork();
  }
  assert.equal((await client.getOrder(made)).status, "invalid");
  const [after] = await client.getAuthorizations(made);
  assert.match(JSON.stringify(after), /the server answered 404/);
});

test("a nonce is good once, and a request says where it goes", async (t) => {
  const acme = await createAcme(t);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true });
  const { FlattenedSign, generateKeyPair, exportJWK } = await import("jose");
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = await exportJWK(publicKey);
  const nonce = async () => (await acme.exchange("GET", "pki/acme/new-nonce", undefined, { token: "" })).headers["Replay-Nonce"]!;
  const send = async (header: Record<string, unknown>, payload: unknown = { termsOfServiceAgreed: true }) => {
    const jws = await new FlattenedSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "ES256", jwk, ...header }).sign(privateKey);
    const answer = await acme.exchange("POST", "pki/acme/new-account", jws as never, { token: "", contentType: "application/jose+json" });
    return [answer.status, String((JSON.parse(answer.bytes.toString()) as { type?: string }).type ?? "").split(":").pop()];
  };
  const url = `${acme.url}/acme/new-account`;
  const first = await nonce();
  assert.deepEqual(await send({ nonce: first, url }), [201, ""]);
  assert.deepEqual(await send({ nonce: first, url }), [400, "badNonce"]);
  assert.deepEqual(await send({ nonce: "x", url }), [400, "badNonce"]);
  assert.deepEqual(await send({ nonce: await nonce(), url: `${url}s` }), [401, "unauthorized"]);
  assert.deepEqual(await send({ nonce: await nonce(), url, kid: "x" }), [400, "malformed"]);
  assert.deepEqual(await send({ nonce: await nonce(), url, jwk: undefined, kid: `${acme.url}/acme/account/none` }), [400, "accountDoesNotExist"]);
  const old = await nonce();
  acme.clock.advance(901);
  assert.deepEqual(await send({ nonce: old, url }), [400, "badNonce"]);
  const broken = await acme.exchange("POST", "pki/acme/new-account", { protected: "?", payload: "", signature: "" }, { token: "" });
  assert.deepEqual([broken.status, broken.contentType], [400, "application/problem+json"]);
});

test("an account changes its key: the old one is nobody's then, and the orders stay", async (t) => {
  const acme = await createAcme(t);
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true });
  const client = await acme.client();
  await order(acme, client, ["localhost"]);
  const oldKey = (client as unknown as { readonly opts: { readonly accountKey: string } }).opts.accountKey;
  const account = client.getAccountUrl();
  await client.updateAccountKey(await crypto.createPrivateEcdsaKey("P-384"));
  await order(acme, client, ["localhost"]);
  assert.equal(client.getAccountUrl(), account);
  const before = new Client({ directoryUrl: `${acme.url}/acme/directory`, accountKey: oldKey });
  await assert.rejects(before.createAccount({ onlyReturnExisting: true }), /no account with this key/);

  const other = await acme.client();
  await other.createAccount({ termsOfServiceAgreed: true });
  const taken = (other as unknown as { readonly opts: { readonly accountKey: string } }).opts.accountKey;
  await assert.rejects(client.updateAccountKey(taken), /there is an account with this key/);

  const { FlattenedSign, generateKeyPair, exportJWK } = await import("jose");
  const outer = await generateKeyPair("ES256");
  const inner = await generateKeyPair("ES256");
  const oldJwk = await exportJWK(outer.publicKey);
  const newJwk = await exportJWK(inner.publicKey);
  const url = `${acme.url}/acme/key-change`;
  const nonce = async () => (await acme.exchange("GET", "pki/acme/new-nonce", undefined, { token: "" })).headers["Replay-Nonce"]!;
  const post = async (path: string, header: Record<string, unknown>, payload: unknown) => {
    const jws = await new FlattenedSign(Buffer.from(payload === undefined ? "" : JSON.stringify(payload))).setProtectedHeader({ alg: "ES256", nonce: await nonce(), url: `${acme.url}/acme/${path}`, ...header }).sign(outer.privateKey);
    const answer = await acme.exchange("POST", `pki/acme/${path}`, jws as never, { token: "", contentType: "application/jose+json" });
    return { status: answer.status, location: answer.headers["Location"], text: answer.bytes.toString() };
  };
  const { location: kid } = await post("new-account", { jwk: oldJwk }, { termsOfServiceAgreed: true });
  const { location: made } = await post("new-order", { kid }, { identifiers: [{ type: "dns", value: "localhost" }] });
  assert.deepEqual(JSON.parse((await post("orders", { kid }, undefined)).text), { orders: [made] });
  const change = async (header: Record<string, unknown>, payload: unknown, key = inner.privateKey) => post("key-change", { kid }, await new FlattenedSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "ES256", jwk: newJwk, url, ...header }).sign(key));
  const good = { account: kid, oldKey: oldJwk };
  for (const [header, payload, key] of [
    [{ url: `${url}s` }, good], [{ nonce: "x" }, good], [{ jwk: undefined, kid }, good], [{ kid }, good], [{}, { ...good, account }], [{}, { ...good, oldKey: newJwk }], [{}, { account: kid }], [{}, {}], [{}, good, outer.privateKey],
  ] as const) {
    const { status, text } = await change(header, payload, key);
    assert.deepEqual([status, (JSON.parse(text) as { type: string }).type], [400, "urn:ietf:params:acme:error:malformed"], JSON.stringify([header, payload]));
  }
  const conflict = await change({ jwk: oldJwk }, good, outer.privateKey);
  assert.deepEqual([conflict.status, conflict.location], [409, kid]);
  assert.equal((await change({}, good)).status, 200);
  assert.equal((await change({}, good)).status, 400, "the old key signs nothing any more");
  assert.equal((await post("orders", { kid }, undefined)).status, 400);
});

test("tidy forgets orders that have ended, and accounts that nobody uses, in its time", async (t) => {
  const acme = await createAcme(t);
  await acme.request("POST", "sys/mounts/pki/tune", { max_lease_ttl: "87600h" });
  await acme.write("config/cluster", { path: acme.url });
  await acme.write("config/acme", { enabled: true, max_ttl: "240h" });
  const client = await acme.client();
  await order(acme, client, ["localhost"]);
  const made = await client.createOrder({ identifiers: [{ type: "dns", value: "localhost" }] });
  await acme.write("acme/new-eab", {});
  const day = 86_400;
  const tidy = async () => {
    await acme.request("POST", "pki/tidy", { tidy_acme: true, acme_account_safety_buffer: "720h" });
    await acme.doDueWork();
    const { data } = (await acme.request("GET", "pki/tidy-status")).body;
    assert.deepEqual([data.state, data.tidy_acme, data.acme_account_safety_buffer], ["Finished", true, 720 * 3600]);
    return [data.acme_orders_deleted_count, data.total_acme_account_count, data.acme_account_revoked_count, data.acme_account_deleted_count];
  };
  assert.deepEqual(await tidy(), [0, 1, 0, 0]);
  acme.clock.advance(2 * day);
  assert.deepEqual(await tidy(), [1, 1, 0, 0], "the order that came to nothing");
  await assert.rejects(client.getOrder(made), /no such order/);
  acme.clock.advance(10 * day);
  assert.deepEqual(await tidy(), [0, 1, 0, 0], "safety_buffer after the certificate's end is not over");
  acme.clock.advance(2 * day);
  assert.deepEqual(await tidy(), [1, 1, 0, 0]);
  assert.equal((await acme.request("LIST", "pki/eab")).status, 200);
  acme.clock.advance(24 * day);
  assert.deepEqual(await tidy(), [0, 1, 0, 0], "not so long after the last certificate");
  assert.equal((await acme.request("LIST", "pki/eab")).status, 404);
  acme.clock.advance(3 * day);
  assert.deepEqual(await tidy(), [0, 1, 1, 0]);
  await assert.rejects(client.createOrder({ identifiers: [{ type: "dns", value: "localhost" }] }), /the account is revoked/);
  acme.clock.advance(29 * day);
  assert.deepEqual(await tidy(), [0, 1, 0, 0]);
  acme.clock.advance(2 * day);
  assert.deepEqual(await tidy(), [0, 1, 0, 1]);
  assert.deepEqual(await tidy(), [0, 0, 0, 0]);
  await assert.rejects(client.createAccount({ onlyReturnExisting: true }), /no account|no such account/);
});

import "reflect-metadata";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import * as x509 from "@peculiar/x509";
import { freePort, startProgram } from "@coffer/counterparts";
import { createAuthority } from "../testing/certificate-authority.js";
import type { CertificateOptions, Issued, TestAuthority } from "../testing/certificate-authority.js";
import { createHarness } from "../testing/harness.js";

const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

async function service(t: TestContext) {
  const harness = await createHarness();
  harness.clock.advance((Date.now() - harness.clock.now()) / 1000);
  await harness.mount("auth/cert", "cert");
  const authority = await createAuthority("CN=Test Root");
  const client = (options: Partial<CertificateOptions> = {}) => authority.issue({ subject: "CN=client", ...options });
  const role = async (more: Readonly<Record<string, unknown>>) => {
    const { status, text } = await harness.request("POST", "auth/cert/certs/web", { certificate: authority.certificate, ocsp_max_retries: 0, ...more });
    assert.equal(status, 204, text);
  };
  const login = async ({ der }: Issued) => harness.request("POST", "auth/cert/login", {}, { token: "", clientCertificate: der });
  const responder = (known: Readonly<Record<string, Issued>>, options: Partial<ResponderOptions> = {}) => startResponder(t, authority, known, options);
  return { ...harness, authority, client, role, login, responder };
}

interface ResponderOptions {
  readonly signer: Issued;
  /** Minutes; 0: answers have no end. */
  readonly minutes: number;
}

/** `openssl ocsp` as the responder of an authority, which knows these certificates: those whose name begins with "revoked" are. */
async function startResponder(t: TestContext, authority: TestAuthority, known: Readonly<Record<string, Issued>>, { signer = authority, minutes = 5 }: Partial<ResponderOptions>) {
  const folder = mkdtempSync(join(tmpdir(), "coffer-ocsp-"));
  const line = ([name, { serial }]: [string, Issued]) => [name.startsWith("revoked") ? "R" : "V", "491231235959Z", name.startsWith("revoked") ? "240101000000Z" : "", serial.toUpperCase(), "unknown", `/CN=${name}`].join("\t");
  writeFileSync(join(folder, "index.txt"), Object.entries(known).map((entry) => `${line(entry)}\n`).join(""));
  writeFileSync(join(folder, "ca.pem"), authority.certificate);
  writeFileSync(join(folder, "signer.pem"), signer.certificate);
  writeFileSync(join(folder, "signer.key"), signer.key);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const at = (name: string) => join(folder, name);
  const program = await startProgram({
    command: "openssl",
    args: ["ocsp", "-index", at("index.txt"), "-CA", at("ca.pem"), "-rsigner", at("signer.pem"), "-rkey", at("signer.key"), "-port", String(port), "-ignore_err", ...(minutes > 0 ? ["-nmin", String(minutes)] : [])],
    isReady: async () => (await fetch(url)).status > 0,
  });
  t.after(async () => {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return url;
}

const errorOf = ({ body }: { readonly body: { readonly errors?: readonly string[] } }) => String(body.errors?.[0]);

test("OCSP: who is good comes in, who is revoked or unknown does not, and renewals ask again", async (t) => {
  const { request, client, role, login, responder } = await service(t);
  const [good, revoked, unknown] = await Promise.all([client(), client(), client()]);
  const url = await responder({ good, revoked });
  await role({ ocsp_enabled: true, ocsp_servers_override: url });
  const first = await login(good);
  assert.equal(first.status, 200, first.text);
  assert.match(errorOf(await login(revoked)), /certificate has been revoked/);
  assert.match(errorOf(await login(unknown)), /does not know the certificate/);
  assert.equal((await request("POST", "auth/token/renew-self", {}, { token: first.body["auth"].client_token, clientCertificate: good.der })).status, 200);
  await role({ ocsp_fail_open: true });
  assert.equal((await login(unknown)).status, 200);
  assert.match(errorOf(await login(revoked)), /revoked/, "whoever is revoked stays outside");
});

test("OCSP: the server is the one that the certificate names; one that names none is known to nobody", async (t) => {
  const { authority, client, role, login } = await service(t);
  const port = await freePort();
  const named = await client({ extensions: [new x509.AuthorityInfoAccessExtension({ ocsp: `http://127.0.0.1:${port}/` })] });
  const bare = await client();
  await role({ ocsp_enabled: true });
  assert.match(errorOf(await login(named)), /OCSP: http:\/\/127\.0\.0\.1/);
  assert.match(errorOf(await login(bare)), /names no OCSP server/);
  await role({ ocsp_fail_open: true });
  assert.equal((await login(named)).status, 200);
  assert.equal((await login(bare)).status, 200);
  void authority;
});

test("OCSP: an answer counts if the issuer signed it, or whom it has named, or whom the role trusts", async (t) => {
  const { authority, client, role, login, responder } = await service(t);
  const good = await client();
  const delegate = await authority.issue({ subject: "CN=Responder", usages: [OCSP_SIGNING] });
  await role({ ocsp_enabled: true, ocsp_servers_override: await responder({ good }, { signer: delegate }) });
  assert.equal((await login(good)).status, 200);
  const ordinary = await authority.issue({ subject: "CN=Not a responder" });
  await role({ ocsp_servers_override: await responder({ good }, { signer: ordinary }) });
  assert.match(errorOf(await login(good)), /signed by nobody who may/);
  const stranger = await createAuthority("CN=Test Root");
  await role({ ocsp_servers_override: await responder({ good }, { signer: stranger }) });
  assert.match(errorOf(await login(good)), /signed by nobody who may/);
  await role({ ocsp_ca_certificates: stranger.certificate });
  assert.equal((await login(good)).status, 200);
});

test("OCSP: all servers have to agree where the role says so, else the first that knows", async (t) => {
  const { client, role, login, responder } = await service(t);
  const one = await client();
  const [knows, revokes, silent] = [await responder({ one }), await responder({ "revoked one": one }), `http://127.0.0.1:${await freePort()}`];
  await role({ ocsp_enabled: true, ocsp_servers_override: [silent, knows] });
  assert.equal((await login(one)).status, 200);
  await role({ ocsp_query_all_servers: true });
  assert.match(errorOf(await login(one)), /OCSP/);
  await role({ ocsp_servers_override: [knows, revokes] });
  assert.match(errorOf(await login(one)), /revoked/);
  await role({ ocsp_fail_open: true, ocsp_servers_override: [knows, silent] });
  assert.equal((await login(one)).status, 200);
});

test("OCSP: what is stale, cut off, another's or no answer at all is none", async (t) => {
  const { clock, client, role, login, responder } = await service(t);
  const [one, other] = await Promise.all([client(), client()]);
  const real = await responder({ one, other }, { minutes: 30 });
  await role({ ocsp_enabled: true, ocsp_servers_override: real });
  let change = (bytes: Buffer): Buffer => bytes;
  const proxy = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
      void fetch(real, { method: "POST", headers: { "content-type": "application/ocsp-request" }, body: new Uint8Array(Buffer.concat(chunks)) })
        .then(async (answer) => response.end(change(Buffer.from(await answer.arrayBuffer()))))
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => proxy.close());
  await role({ ocsp_servers_override: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
  let recorded: Buffer = Buffer.alloc(0);
  change = (bytes) => (recorded = bytes);
  assert.equal((await login(other)).status, 200);
  change = () => recorded;
  assert.match(errorOf(await login(one)), /another certificate/, "a recorded answer");
  for (const bytes of [Buffer.alloc(0), Buffer.from("no"), recorded.subarray(0, 200), Buffer.from([0x30, 0x03, 0x0a, 0x01, 0x06]), Buffer.alloc(5_000_000)]) {
    change = () => bytes;
    assert.match(errorOf(await login(one)), /OCSP/);
  }
  for (let i = 60; i < recorded.length - 400; i += 23) {
    change = (bytes) => {
      bytes[i]! ^= 1;
      return bytes;
    };
    const { status, text } = await login(one);
    assert.ok(status === 400 || status === 200, text);
  }
  change = (bytes) => bytes;
  clock.advance(2400);
  await role({ ocsp_this_update_max_age: 60 });
  assert.match(errorOf(await login(one)), /too old|has ended/);
});

test("a list is fetched from its address, again when it ends, and the old one stays good where that fails", async (t) => {
  const { request, authority, client, login, role, clock, doDueWork } = await service(t);
  const [first, second] = await Promise.all([client(), client()]);
  let answer: { status: number; text: string } = { status: 200, text: await authority.revocationList([first.serial], new Date(Date.now() + 3_600_000)) };
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(answer.status).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ca.crl`;
  await role({});
  assert.equal((await login(first)).status, 200);
  assert.equal((await request("POST", "auth/cert/crls/ca", { url })).status, 204);
  const { cdp, serials } = (await request("GET", "auth/cert/crls/ca")).body["data"];
  assert.deepEqual([cdp.url, Object.keys(serials).length], [url, 1]);
  assert.match(cdp.valid_until, /^\d{4}-.*Z$/);
  assert.equal((await login(first)).status, 400);
  await doDueWork();
  assert.equal(asked, 1, "not before its end");

  const forged = await (await createAuthority("CN=Test Root")).revocationList([second.serial]);
  for (const next of [{ status: 500, text: "" }, { status: 200, text: "nothing" }, { status: 200, text: forged }]) {
    answer = next;
    clock.advance(3_700);
    await doDueWork();
    assert.equal((await login(first)).status, 400, "the old one");
    assert.equal((await login(second)).status, 200);
  }
  assert.equal((await request("POST", "auth/cert/crls/other", { url })).status, 400, "a forged one");
  answer = { status: 200, text: await authority.revocationList([second.serial]) };
  clock.advance(120);
  await doDueWork();
  assert.equal((await login(first)).status, 200);
  assert.equal((await login(second)).status, 400);
});

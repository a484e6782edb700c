import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { freePort, startProgram } from "@coffer/counterparts";
import { testCertificates } from "../http/testing/certificates.js";
import { clientBelowIntermediate } from "../http/testing/client-chain.js";
import { found, joinCluster, testNode } from "./testing/test-node.js";

interface Answer {
  readonly status: number;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into answers of many shapes
}

function post(url: string, body: unknown, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) }));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

test("a client logs in by the certificate of its TLS connection, and by nothing that it only says", async (t) => {
  const certificates = await testCertificates(t);
  const stranger = await testCertificates(t);
  const node = await testNode(t, "n1", { tls: certificates.tls({ clientCaFile: undefined }) });
  const { rootToken: token } = await found(node);
  assert.equal((await node.ask("update", "sys/auth/cert", { type: "cert" }, { token })).status, 204);
  const certificate = readFileSync(join(certificates.folder, "client-ca.pem"), "utf8");
  assert.equal((await node.ask("update", "auth/cert/certs/web", { certificate, token_policies: "web" }, { token })).status, 204);
  const login = (options: RequestOptions) => post(`${node.address}/v1/auth/cert/login`, { name: "web" }, { ca: certificates.ca, ...options });
  const { status, body } = await login({ cert: certificates.clientCertificate, key: certificates.clientKey });
  assert.deepEqual([status, body.auth?.policies, body.auth?.metadata.common_name], [200, ["default", "web"], "client"]);
  const refused = [
    await login({}),
    await login({ cert: stranger.clientCertificate, key: stranger.clientKey }),
    await login({ headers: { "X-Tls-Client-Cert": encodeURIComponent(certificates.clientCertificate) } }),
  ];
  const none = "no client certificate found";
  assert.deepEqual(refused.map((answer) => [answer.status, answer.body.errors]), [[400, [none]], [400, ["invalid certificate or no client certificate supplied"]], [400, [none]]]);
});

test("what a client sends with its certificate counts, and reaches the active node through a standby", async (t) => {
  const certificates = await testCertificates(t);
  const tls = certificates.tls({ clientCaFile: undefined });
  const [n1, n2] = [await testNode(t, "n1"), await testNode(t, "n2", { tls })];
  const made = await found(n1);
  await joinCluster(n2, n1, made);
  const as = { token: made.rootToken };
  const { root, intermediate, leaf, key } = await clientBelowIntermediate();
  assert.equal((await n1.ask("update", "sys/auth/cert", { type: "cert" }, as)).status, 204);
  assert.equal((await n1.ask("update", "auth/cert/certs/web", { certificate: root, token_policies: "web" }, as)).status, 204);
  const login = (cert: string) => post(`${n2.address}/v1/auth/cert/login`, {}, { ca: certificates.ca, cert, key });
  const { status, body } = await login(`${leaf}\n${intermediate}`);
  assert.deepEqual([status, body.auth?.metadata.common_name], [200, "client"]);
  assert.equal((await login(leaf)).status, 400);
});

/** An authority of OpenSSL's, which gives out certificates, revokes them, and answers OCSP. */
async function opensslAuthority(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "coffer-authority-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }).toString();
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(join(folder, "ca.cnf"), "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=any\ndefault_days=1\ndefault_crl_days=1\n[any]\ncommonName=supplied\n");
  openssl("req", "-x509", ...curve, "-days", "1", "-subj", "/CN=Clients", "-keyout", "ca.key", "-out", "ca.pem");
  return {
    certificate: text("ca.pem"),
    client(name: string) {
      openssl("req", ...curve, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-create_serial", "-in", `${name}.csr`, "-out", `${name}.pem`);
      return { cert: text(`${name}.pem`), key: text(`${name}.key`) };
    },
    revoke: (name: string) => void openssl("ca", "-config", "ca.cnf", "-revoke", `${name}.pem`),
    list: () => openssl("ca", "-config", "ca.cnf", "-gencrl"),
    async responder() {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const at = (name: string) => join(folder, name);
      const args = ["ocsp", "-index", at("index.txt"), "-CA", at("ca.pem"), "-rsigner", at("ca.pem"), "-rkey", at("ca.key"), "-port", String(port), "-ignore_err", "-nmin", "5"];
      const program = await startProgram({ command: "openssl", args, isReady: async () => (await fetch(url)).status > 0 });
      t.after(() => program.stop());
      return url;
    },
  };
}

test("who is revoked, by list or by OCSP, is refused on the connection itself", async (t) => {
  const certificates = await testCertificates(t);
  const authority = await opensslAuthority(t);
  const node = await testNode(t, "n1", { tls: certificates.tls({ clientCaFile: undefined }) });
  const as = { token: (await found(node)).rootToken };
  const write = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const { status } = await node.ask("update", path, body, as);
    assert.equal(status, 204, path);
  };
  await write("sys/auth/cert", { type: "cert" });
  await write("auth/cert/certs/web", { certificate: authority.certificate });
  const [good, listed, known] = ["good", "listed", "known"].map((name) => authority.client(name)) as [RequestOptions, RequestOptions, RequestOptions];
  const login = async (client: RequestOptions) => (await post(`${node.address}/v1/auth/cert/login`, {}, { ca: certificates.ca, ...client })).status;
  assert.deepEqual([await login(good), await login(listed), await login(known)], [200, 200, 200]);
  authority.revoke("listed");
  await write("auth/cert/crls/clients", { crl: authority.list() });
  assert.deepEqual([await login(good), await login(listed), await login(known)], [200, 400, 200]);
  authority.revoke("known");
  await write("auth/cert/certs/web", { certificate: authority.certificate, ocsp_enabled: true, ocsp_servers_override: [await authority.responder()] });
  assert.deepEqual([await login(good), await login(listed), await login(known)], [200, 400, 400]);
});

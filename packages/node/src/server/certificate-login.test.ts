import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
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
  for (const answer of refused) assert.deepEqual(answer, { status: 400, body: { errors: ["invalid certificate or no client certificate supplied"] } });
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

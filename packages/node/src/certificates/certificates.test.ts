import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate, createPrivateKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { CLUSTER_SERVER_NAME } from "@coffer/raft";
import { RequestError } from "@coffer/state-machine";
import { createApiCertificates, createCa, createNodeKey, issueNodeCertificate } from "./certificates.js";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const needsOpenssl = { skip: hasOpenssl ? false : "openssl is not installed" };

/** What `openssl verify` says of a certificate, in its strict reading of the standard. */
function opensslVerify(t: TestContext, ca: string, certificate: string, purpose: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-certificates-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "ca.pem"), ca);
  writeFileSync(join(folder, "leaf.pem"), certificate);
  const done = spawnSync("openssl", ["verify", "-x509_strict", "-CAfile", join(folder, "ca.pem"), ...purpose, join(folder, "leaf.pem")], { encoding: "utf8" });
  return done.status === 0 ? "OK" : done.stdout + done.stderr;
}

const opensslText = (certificate: string) => execFileSync("openssl", ["x509", "-noout", "-text"], { input: certificate, encoding: "utf8" });

test("openssl accepts node certificates for both ends of a connection between nodes", needsOpenssl, async (t) => {
  const ca = await createCa("coffer-cluster");
  const { publicKey } = await createNodeKey();
  const certificate = await issueNodeCertificate(ca, "node-1", publicKey);
  for (const purpose of ["sslserver", "sslclient"]) assert.equal(opensslVerify(t, ca.certificate, certificate, ["-purpose", purpose, "-verify_hostname", CLUSTER_SERVER_NAME]), "OK");
  assert.match(opensslVerify(t, ca.certificate, certificate, ["-verify_hostname", "node-1"]), /hostname mismatch/i);
  assert.match(opensslVerify(t, (await createCa("coffer-cluster")).certificate, certificate, []), /error/);
});

test("a certificate holds at once for machines whose clocks are a day apart from the one that made it", needsOpenssl, async (t) => {
  const ca = await createCa("coffer-cluster");
  const { publicKey } = await createNodeKey();
  const certificate = await issueNodeCertificate(ca, "node-1", publicKey);
  for (const hours of [-24, 24]) assert.equal(opensslVerify(t, ca.certificate, certificate, ["-attime", String(Math.floor(Date.now() / 1000) + hours * 3600)]), "OK", `${hours} h`);
});

test("openssl accepts a local cluster's certificate for every host, and no other", needsOpenssl, async (t) => {
  const { ca, certificate } = await createApiCertificates(["localhost", "127.0.0.1", "::1", "node-1.internal"]);
  for (const host of ["localhost", "node-1.internal"]) assert.equal(opensslVerify(t, ca, certificate, ["-purpose", "sslserver", "-verify_hostname", host]), "OK");
  for (const ip of ["127.0.0.1", "::1"]) assert.equal(opensslVerify(t, ca, certificate, ["-purpose", "sslserver", "-verify_ip", ip]), "OK");
  assert.match(opensslVerify(t, ca, certificate, ["-verify_ip", "127.0.0.2"]), /IP address mismatch/i);
});

test("a CA signs certificates and nothing else; a leaf signs none", needsOpenssl, async () => {
  const ca = await createCa("coffer-cluster");
  const { certificate } = await createApiCertificates(["localhost"]);
  const ofCa = opensslText(ca.certificate);
  assert.match(ofCa, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.match(ofCa, /Key Usage: critical\s+Certificate Sign, CRL Sign\s/);
  const ofLeaf = opensslText(certificate);
  assert.match(ofLeaf, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(ofLeaf, /[^d] Key Usage: critical\s+Digital Signature\s*\n/);
  assert.match(ofLeaf, /Extended Key Usage:\s+TLS Web Server Authentication, TLS Web Client Authentication/);
  assert.match(ofLeaf, /Signature Algorithm: ecdsa-with-SHA256/);
});

test("a node's certificate carries its id, the cluster's name, and the key that travelled", async () => {
  const ca = await createCa("coffer-cluster");
  for (const nodeId of ["node-1", "a,b=c+d", "Knoten ü \"1\"", "#x", " x ", 'x", O="root']) {
    const { key, publicKey } = await createNodeKey();
    const certificate = new X509Certificate(await issueNodeCertificate(ca, nodeId, publicKey));
    assert.equal(certificate.toLegacyObject().subject.CN, nodeId);
    assert.equal(certificate.subjectAltName, `DNS:${CLUSTER_SERVER_NAME}`);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.ok(certificate.checkIssued(new X509Certificate(ca.certificate)) && certificate.verify(new X509Certificate(ca.certificate).publicKey));
    const proof = sign("sha256", Buffer.from("x"), key);
    assert.ok(verify("sha256", Buffer.from("x"), certificate.publicKey, proof));
  }
});

test("certificates are valid now, on clocks that are behind, and for their years", async () => {
  const ca = await createCa("coffer-cluster");
  const node = new X509Certificate(await issueNodeCertificate(ca, "n", (await createNodeKey()).publicKey));
  const api = new X509Certificate((await createApiCertificates(["localhost"])).certificate);
  const days = ({ validTo }: X509Certificate) => Math.round((Date.parse(validTo) - Date.now()) / 86_400_000);
  assert.ok(Date.now() - Date.parse(node.validFrom) >= 5 * 60_000 - 1000);
  assert.deepEqual([node, api].map(days), [3650, 825]);
});

test("serial numbers are positive, 16 bytes, and differ", async () => {
  const ca = await createCa("coffer-cluster");
  const { publicKey } = await createNodeKey();
  const serials = await Promise.all(Array.from({ length: 50 }, async () => new X509Certificate(await issueNodeCertificate(ca, "n", publicKey)).serialNumber));
  assert.equal(new Set(serials).size, 50);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

test("a public key that is garbage, a private key, or of another kind is refused", async () => {
  const ca = await createCa("coffer-cluster");
  const { key, publicKey } = await createNodeKey();
  const pem = (der: Buffer) => `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----\n`;
  const spki = { type: "spki", format: "pem" } as const;
  const others = [
    generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export(spki),
    generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export(spki),
    generateKeyPairSync("ed25519").publicKey.export(spki),
  ].map(String);
  for (const bad of ["", "garbage", "-----BEGIN PUBLIC KEY-----\n", pem(Buffer.from("garbage")), pem(Buffer.alloc(91)), key, ca.certificate, publicKey + publicKey, publicKey.slice(0, 80), ...others]) {
    await assert.rejects(issueNodeCertificate(ca, "n", bad), (error) => error instanceof RequestError && error.code === "invalid_request" && /public key/.test(error.message), bad);
  }
});

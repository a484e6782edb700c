import assert from "node:assert/strict";
import { test } from "node:test";
import "reflect-metadata";
import { BasicConstraintsExtension, Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { base64, transitRig } from "./testing.js";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const generate = () => crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);

test("a request is signed by the key, with the subject and extensions of the one it began from", async () => {
  const { post, get } = await transitRig();
  const template = (await Pkcs10CertificateRequestGenerator.create({ name: "CN=example.com, O=Acme", keys: await generate(), signingAlgorithm: ECDSA, extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: "example.com" }])] })).toString("pem");
  for (const type of ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"]) {
    await post(`keys/${type}`, { type });
    const { csr, ...rest } = await post(`keys/${type}/csr`, { csr: template });
    assert.deepEqual(rest, { name: type, type });
    const parsed = new Pkcs10CertificateRequest(csr as string);
    assert.equal(parsed.subject, "CN=example.com, O=Acme");
    assert.equal(parsed.extensions.length, 1);
    if (type !== "ed25519") assert.ok(await parsed.verify(), type);
    const { keys } = (await get(`export/public-key/${type}`, { format: "der" })) as { keys: Record<string, string> };
    assert.equal(base64(new Uint8Array(parsed.publicKey.rawData)), keys["1"]);
    assert.equal(new Pkcs10CertificateRequest((await post(`keys/${type}/csr`))["csr"] as string).subject, "");
  }
});

test("a certificate chain is kept with the version that it is for", async () => {
  const { post, get, request, refused } = await transitRig();
  await post("keys/a", { type: "ecdsa-p256" });
  await post("keys/b", { type: "ecdsa-p256" });
  const authority = await generate();
  const dates = { notBefore: new Date("2026-01-01"), notAfter: new Date("2027-01-01") };
  const ca = await X509CertificateGenerator.createSelfSigned({ name: "CN=CA", keys: authority, signingAlgorithm: ECDSA, ...dates, extensions: [new BasicConstraintsExtension(true)] });
  const csr = new Pkcs10CertificateRequest((await post("keys/a/csr"))["csr"] as string);
  const leaf = await X509CertificateGenerator.create({ subject: "CN=a", issuer: "CN=CA", publicKey: csr.publicKey, signingKey: authority.privateKey, signingAlgorithm: ECDSA, ...dates });
  const chain = `${leaf.toString("pem")}\n${ca.toString("pem")}`;
  assert.equal((await post("keys/a/set-certificate", { certificate_chain: chain }))["certificate_chain"], chain);
  const bare = (text: string) => text.replace(/\s/g, "");
  assert.equal(bare(((await get("keys/a"))["keys"] as Record<string, { certificate_chain: string }>)["1"]!.certificate_chain), bare(chain));
  assert.equal(bare(((await get("export/certificate-chain/a"))["keys"] as Record<string, string>)["1"]!), bare(chain));
  assert.equal((await request("GET", "transit/export/certificate-chain/b")).status, 400);
  assert.match(await refused("keys/b/set-certificate", { certificate_chain: chain }), /does not match the selected key version/);
  assert.match(await refused("keys/a/set-certificate", { certificate_chain: ca.toString("pem") }), /not a valid leaf/);
  assert.match(await refused("keys/a/set-certificate", { certificate_chain: `${leaf.toString("pem")}\n${leaf.toString("pem")}` }), /one of a CA/);
  assert.match(await refused("keys/a/set-certificate", { certificate_chain: "x" }), /did not contain any valid/);
  assert.match(await refused("keys/a/set-certificate", { certificate_chain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }), /could not parse/);
  assert.match(await refused("keys/a/set-certificate"), /missing certificate_chain/);
});

test("refused: requests that are none, and keys that sign none", async () => {
  const { post, refused } = await transitRig();
  await post("keys/a", { type: "ecdsa-p256" });
  await post("keys/aes");
  await post("keys/derived", { type: "ed25519", derived: true });
  for (const [path, body, error] of [
    ["keys/a/csr", { csr: "x" }, /could not decode PEM/],
    ["keys/a/csr", { csr: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----" }, /could not parse the CSR/],
    ["keys/a/csr", { version: 2 }, /no such key version/],
    ["keys/a/csr", { version: 0 }, /no such key version/],
    ["keys/aes/csr", {}, /does not support signing/],
    ["keys/derived/csr", {}, /derivation enabled/],
    ["keys/none/csr", {}, /not found/],
  ] as const) assert.match(await refused(path, body), error);
});

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, test } from "node:test";
import { createDocumentSigner } from "../testing/identity-documents.js";
import { signedContent, trustedSigner } from "./pkcs7.js";
import { REGION_CERTIFICATES } from "./region-certificates.js";

const rsa = createDocumentSigner("rsa");
const dsa = createDocumentSigner("dsa");
const stranger = createDocumentSigner("rsa");
after(() => [rsa, dsa, stranger].forEach((one) => one.end()));
const trusted = [rsa, dsa].map(({ certificate }) => trustedSigner(new X509Certificate(certificate)));
const read = (text: string) => signedContent(text, trusted)?.toString();
const DOCUMENT = '{"a": "b"}';

test("what OpenSSL signs is read: RSA and DSA, with and without attributes, certificates and definite lengths", () => {
  for (const signer of [rsa, dsa]) {
    for (const flags of [[], ["-noattr"], ["-nocerts"], ["-stream"], ["-noattr", "-nocerts", "-stream"]]) assert.equal(read(signer.pkcs7(DOCUMENT, flags)), DOCUMENT, flags.join(" "));
  }
  assert.equal(read(`-----BEGIN PKCS7-----\n${rsa.pkcs7(DOCUMENT)}\n-----END PKCS7-----`), DOCUMENT);
});

test("nothing else is: other signers, other content, none, cut off, changed anywhere", () => {
  assert.equal(read(stranger.pkcs7(DOCUMENT)), undefined);
  assert.equal(read(rsa.pkcs7(DOCUMENT, ["-keyid"])), undefined);
  const good = Buffer.from(rsa.pkcs7(DOCUMENT), "base64");
  for (const text of ["", "A", "%%%", "AAAA", good.subarray(0, 200).toString("base64"), good.subarray(0, -1).toString("base64"), `${"A".repeat(20_000)}`]) assert.equal(read(text), undefined);
  const at = good.indexOf(DOCUMENT);
  const forged = Buffer.from(good);
  forged.write('{"a": "c"}', at);
  assert.equal(read(forged.toString("base64")), undefined, "another content");
  for (let i = 0; i < good.length; i += 7) {
    const changed = Buffer.from(good);
    changed[i]! ^= 0x01;
    const result = read(changed.toString("base64"));
    assert.ok(result === undefined || result === DOCUMENT, `byte ${i}`);
  }
});

test("a signature under another's name is no signature", () => {
  // A stranger's message that says to be by a trusted certificate has the wrong key behind it.
  const key = trustedSigner(new X509Certificate(stranger.certificate)).key;
  assert.equal(signedContent(rsa.pkcs7(DOCUMENT), [{ name: trusted[0]!.name, key }]), undefined);
});

test("AWS's certificates are certificates, each there once, by AWS", () => {
  const certificates = REGION_CERTIFICATES.trim().split("\n").map((line) => new X509Certificate(Buffer.from(line, "base64")));
  assert.equal(new Set(certificates.map(({ fingerprint256 }) => fingerprint256)).size, certificates.length);
  for (const one of certificates) {
    assert.match(one.subject, /O=Amazon/);
    assert.match(trustedSigner(one).name, /^[0-9a-f]+ [0-9a-f]+$/);
    assert.ok(["rsa", "dsa"].includes(one.publicKey.asymmetricKeyType!));
  }
});

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { buildCrl } from "./crl.js";
import { authorityKeyIdExtension } from "./extensions.js";
import { createSigner } from "./signer.js";
import { encodeName } from "./subject.js";
import { openSsl } from "./testing.js";

test("a CRL may list very many certificates", async (t) => {
  const openssl = openSsl(t);
  const { privateKey } = generateKeyPairSync("ed25519");
  const entries = Array.from({ length: 150_000 }, (_, i) => ({ serial: randomBytes(20), revokedMs: i * 1000 }));
  const issuer = encodeName(Buffer.alloc(0), { commonName: "Busy", serialNumber: "", userIds: [] });
  const der = await buildCrl({ issuer, authorityKeyId: authorityKeyIdExtension(Buffer.alloc(20)), thisUpdateMs: 0, nextUpdateMs: 1000, number: 1, entries }, createSigner(privateKey, { bits: 0, pss: false }));
  assert.match(openssl("crl", "-inform", "der", "-in", openssl.file("x.crl", der), "-noout", "-issuer"), /CN = Busy/);
  assert.ok(der.includes(entries.at(-1)!.serial.subarray(1)));
});

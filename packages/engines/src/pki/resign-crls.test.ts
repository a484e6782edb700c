import assert from "node:assert/strict";
import { test } from "node:test";
import { createPkiWithRoot, openSsl } from "./testing.js";
import type { OpenSsl } from "./testing.js";

const bare = (serial: string) => serial.replaceAll(":", "").toUpperCase();
const read = (openssl: OpenSsl, crl: string, root: string) => openssl("crl", "-in", openssl.file("x.crl", crl), "-noout", "-text", "-CAfile", openssl.file("root.pem", root));

test("CRLs of one issuer become one, signed again, with each certificate's earliest revocation", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const serials: string[] = [];
  const crls: string[] = [];
  for (let i = 0; i < 2; i++) {
    serials.push((await pki.data("POST", "issue/any", { common_name: `${i}.example.com`, ttl: "1h" }))["serial_number"]);
    await pki.data("POST", "revoke", { serial_number: serials[i]! });
    crls.push((await pki.request("GET", "pki/crl/pem")).text);
    pki.clock.advance(60);
  }
  const path = "issuer/default/resign-crls";
  const before = pki.store.index();
  const { crl } = await pki.data("POST", path, { crl_number: 7, next_update: "12h", crls });
  const text = read(openssl, crl, pki.root);
  assert.match(text, /verify OK/);
  assert.match(text, /X509v3 CRL Number:\s+7\s/);
  for (const serial of serials) assert.equal(text.split(`Serial Number: ${bare(serial)}`).length, 2, serial);
  assert.doesNotMatch(text, /Delta CRL/);
  const der = await pki.data("POST", path, { crl_number: 8, delta_crl_base_number: 6, format: "DER", crls });
  assert.match(openssl("crl", "-inform", "der", "-in", openssl.file("d.crl", Buffer.from(der["crl"], "base64")), "-noout", "-text"), /X509v3 Delta CRL Indicator: critical\s+6\s/);
  const sooner = await pki.data("POST", "issuer/default/sign-revocation-list", { crl_number: 9, revoked_certs: [{ serial_number: serials[1], revocation_time: "2025-06-01T00:00:00Z" }] });
  const mixed = await pki.ask("POST", path, { crl_number: 10, crls: [...crls, sooner["crl"]] });
  assert.match(mixed.body.warnings![0]!, /Duplicate serial .* using oldest revocation time/);
  assert.match(read(openssl, mixed.body["data"].crl, pki.root), /Revocation Date: Jun {2}1 00:00:00 2025 GMT/);
  assert.equal(pki.store.index(), before);

  const stranger = await createPkiWithRoot();
  await stranger.data("POST", "root/generate/internal", { common_name: "Stranger", key_type: "ec", issuer_name: "stranger" });
  const foreign = (await stranger.request("GET", "pki/issuer/stranger/crl/pem")).text;
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ crls: [crls[0], foreign] }, /CRL index: 1 was not signed by requested issuer/],
    [{ crls: ["x"] }, /should be one PEM block only/],
    [{ crls: [crls[0]! + crls[0]!] }, /should be one PEM block only/],
    [{ crls: [pki.root] }, /should be one PEM block only/],
    [{ crls: [pki.root.replaceAll("CERTIFICATE", "X509 CRL")] }, /malformed|was not signed/],
    [{ crls, crl_number: -1 }, /crl_number parameter must be 0 or greater/],
    [{ crls, delta_crl_base_number: -2 }, /must be -1 or greater/],
    [{ crls, next_update: 0 }, /next_update parameter must be greater than 0/],
    [{ crls, format: "p7" }, /unknown format value of p7/],
  ];
  for (const [body, message] of refused) assert.match(await pki.refusal(path, body), message, JSON.stringify(body).slice(0, 60));
  assert.match(await pki.refusal("issuer/none/resign-crls", { crls }), /unable to find PKI issuer for reference: none/);
  await pki.ask("PATCH", "issuer/default", { usage: "read-only,issuing-certificates" });
  assert.match(await pki.refusal(path, { crls }), /for crl-signing/);
});

test("a CRL says what the caller says, extensions and all", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const path = "issuer/default/sign-revocation-list";
  const reason = { id: "2.5.29.21", value: Buffer.from([10, 1, 1]).toString("base64") };
  const { crl } = await pki.data("POST", path, {
    crl_number: 3,
    revoked_certs: [{ serial_number: "00:0a:1b", revocation_time: 1_700_000_000, extensions: [reason] }, { serial_number: "ff-00", revocation_time: "2024-01-02T03:04:05Z" }],
    extensions: [{ id: "2.5.29.28", critical: true, value: Buffer.from("3003810100", "hex").toString("base64") }, { id: "1.2.3.4", value: "BQA=" }],
  });
  const text = read(openssl, crl, pki.root);
  assert.match(text, /verify OK/);
  assert.match(text, /Serial Number: 0A1B\s+Revocation Date: Nov 14 22:13:20 2023 GMT\s+CRL entry extensions:\s+X509v3 CRL Reason Code:\s+Key Compromise/);
  assert.match(text, /Serial Number: FF00\s+Revocation Date: Jan {2}2 03:04:05 2024 GMT/);
  assert.match(text, /Issuing Distribution Point: critical/);
  assert.match(text, /1\.2\.3\.4/);
  const one = { serial_number: "01", revocation_time: 1 };
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ revoked_certs: "x" }, /did not contain a slice/],
    [{ revoked_certs: ["x"] }, /entry 0 not a map/],
    [{ revoked_certs: [one, { ...one, serial_number: "0001" }] }, /entry 1: duplicate serial number/],
    [{ revoked_certs: [{ ...one, serial_number: "xy" }] }, /must be hex/],
    [{ revoked_certs: [{ serial_number: "01" }] }, /'revocation_time' must be a time/],
    [{ revoked_certs: [{ ...one, revocation_time: 1e15 }] }, /must be a time of X\.509/],
    [{ revoked_certs: [{ ...one, extensions: [{ id: "2.5.29.21", value: "%" }] }] }, /'value' must be base64/],
    [{ extensions: [{ id: "2.5.29.20", value: "" }] }, /crl number object identifier \(2\.5\.29\.20\) is reserved/],
    [{ extensions: [{ id: "x", value: "" }] }, /must be an object identifier/],
    [{ extensions: [{ id: "1.2.3", value: "" }, { id: "1.2.3", value: "" }] }, /duplicate extension id: 1\.2\.3/],
    [{ extensions: [{ id: "1.2.3", value: "", critical: "perhaps" }] }, /'critical' must be a boolean/],
  ];
  for (const [body, message] of refused) assert.match(await pki.refusal(path, body), message, JSON.stringify(body));
  const token = await pki.tokenWith('path "pki/issuer/default/resign-crls" { capabilities = ["update"] }');
  assert.equal((await pki.request("POST", `pki/${path}`, { revoked_certs: [] }, { token })).status, 403);
});

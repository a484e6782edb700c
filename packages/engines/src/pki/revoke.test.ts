import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { atSeconds, createPkiWithRoot, openSsl } from "./testing.js";
import type { OpenSsl, PkiService } from "./testing.js";

const bare = (serial: string) => serial.replaceAll(":", "").toUpperCase();

async function crlText(pki: PkiService, openssl: OpenSsl, path = "crl"): Promise<string> {
  const { bytes, contentType } = await pki.exchange("GET", `pki/${path}`, undefined, { token: "" });
  assert.equal(contentType, "application/pkix-crl");
  return openssl("crl", "-inform", "der", "-in", openssl.file("x.crl", bytes), "-noout", "-text", "-CAfile", openssl.file("root.pem", (await pki.request("GET", "pki/ca/pem")).text));
}

const issue = (pki: PkiService, name = "a.example.com") => pki.data("POST", "issue/any", { common_name: name, ttl: "100h" });

test("a revoked certificate is on the CRL at once, and OpenSSL no longer takes it", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const issued = await issue(pki);
  assert.match(await crlText(pki, openssl), /verify OK[\s\S]*No Revoked Certificates/);
  const answer = await pki.data("POST", "revoke", { serial_number: issued["serial_number"] });
  assert.deepEqual(answer, { revocation_time: pki.clock.now() / 1000, revocation_time_rfc3339: new Date(pki.clock.now()).toISOString(), state: "revoked" });
  const text = await crlText(pki, openssl);
  assert.match(text, /verify OK/);
  assert.ok(text.includes(`Serial Number: ${bare(issued["serial_number"])}`));
  assert.match(text, /X509v3 CRL Number:\s+2/);
  const pem = (await pki.request("GET", "pki/crl/pem")).text;
  const judged = () => openssl("verify", "-attime", atSeconds(pki), "-crl_check", "-CAfile", openssl.file("root.pem", pki.root), "-CRLfile", openssl.file("c.crl", pem), openssl.file("leaf.pem", issued["certificate"]));
  assert.throws(judged, /certificate revoked/);
  assert.equal((await pki.data("GET", `cert/${issued["serial_number"]}`))["revocation_time"], answer["revocation_time"]);
  assert.deepEqual((await pki.data("LIST", "certs/revoked"))["keys"], [issued["serial_number"]]);
  pki.clock.advance(10);
  assert.deepEqual(await pki.data("POST", "revoke", { serial_number: issued["serial_number"].replaceAll(":", "-") }), answer);
});

test("a certificate that is not stored is revoked by itself, or by its key", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/fleeting", { allow_any_name: true, key_type: "ec", no_store: true });
  const issued = await pki.data("POST", "issue/fleeting", { common_name: "a.example.com", ttl: "1h" });
  const other = await issue(pki);
  assert.match(await pki.refusal("revoke", { serial_number: issued["serial_number"] }), /not found/);
  assert.match(await pki.refusal("revoke", {}), /must be provided/);
  assert.match(await pki.refusal("revoke", { serial_number: "1", certificate: "2" }), /not both/);
  assert.match(await pki.refusal("revoke", { certificate: "2" }), /no PEM data/);
  assert.match(await pki.refusal("revoke-with-key", { certificate: issued["certificate"], private_key: other["private_key"] }), /does not match/);
  const token = await pki.tokenWith('path "pki/revoke-with-key" { capabilities = ["update"] }');
  assert.equal((await pki.request("POST", "pki/revoke-with-key", { certificate: issued["certificate"], private_key: issued["private_key"] }, { token })).status, 200);
  assert.equal((await pki.data("POST", "revoke", { certificate: other["certificate"] }))["state"], "revoked");
  const stranger = await createPkiWithRoot();
  const foreign = await stranger.data("POST", "issue/any", { common_name: "x.example.com", ttl: "1h" });
  assert.match(await pki.refusal("revoke", { certificate: foreign["certificate"].replace("", "") }), /unable to verify signature|unequal value/);
  const root = (await pki.data("GET", "issuer/default"))["certificate"];
  assert.match(await pki.refusal("revoke", { certificate: root }), /to its own CRL is not allowed/);
});

test("with auto_rebuild the CRL waits for its time, and the delta tells meanwhile", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  assert.match(await pki.refusal("config/crl", { enable_delta: true }), /Delta CRLs cannot be enabled/);
  assert.match(await pki.refusal("config/crl", { auto_rebuild: true, expiry: "1h" }), /grace period/);
  assert.match(await pki.refusal("config/crl", { expiry: "soon" }), /given expiry could not be decoded/);
  const config = await pki.data("POST", "config/crl", { auto_rebuild: true, enable_delta: true });
  assert.deepEqual(config, { expiry: "72h", disable: false, ocsp_disable: false, ocsp_expiry: "12h", auto_rebuild: true, auto_rebuild_grace_period: "12h", enable_delta: true, delta_rebuild_interval: "15m", cross_cluster_revocation: false, unified_crl: false, unified_crl_on_existing_paths: false, allow_expired_cert_revocation: false });
  const issued = await issue(pki);
  await pki.ask("POST", "revoke", { serial_number: issued["serial_number"] });
  await pki.doDueWork();
  assert.match(await crlText(pki, openssl), /No Revoked Certificates/);
  pki.clock.advance(15 * 60);
  await pki.doDueWork();
  const delta = await crlText(pki, openssl, "crl/delta");
  assert.match(delta, /verify OK[\s\S]*Delta CRL Indicator: critical/);
  assert.ok(delta.includes(bare(issued["serial_number"])));
  assert.match(await crlText(pki, openssl), /No Revoked Certificates/);
  pki.clock.advance(60 * 3600);
  await pki.doDueWork();
  assert.ok((await crlText(pki, openssl)).includes(bare(issued["serial_number"])));
  assert.match(await crlText(pki, openssl, "crl/delta"), /No Revoked Certificates/);
  const next = await issue(pki, "b.example.com");
  await pki.ask("POST", "revoke", { serial_number: next["serial_number"] });
  await pki.ask("GET", "crl/rotate-delta");
  assert.ok((await crlText(pki, openssl, "issuer/default/crl/delta/der")).includes(bare(next["serial_number"])));
  await pki.ask("GET", "crl/rotate");
  assert.ok((await crlText(pki, openssl)).includes(bare(next["serial_number"])));
  await pki.ask("POST", "config/crl", { disable: true });
  assert.match(await crlText(pki, openssl), /No Revoked Certificates/);
});

test("a certificate that has ended is not revoked unless that is allowed", async () => {
  const pki = await createPkiWithRoot();
  const issued = await issue(pki);
  pki.clock.advance(101 * 3600);
  const { body } = await pki.ask("POST", "revoke", { serial_number: issued["serial_number"] });
  assert.match(body.warnings![0]!, /already expired/);
  await pki.ask("POST", "config/crl", { allow_expired_cert_revocation: true });
  assert.equal((await pki.data("POST", "revoke", { serial_number: issued["serial_number"] }))["state"], "revoked");
});

test("two revocations at once are both on the CRL", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const issued = await Promise.all(["a", "b", "c"].map((name) => issue(pki, `${name}.example.com`)));
  await Promise.all(issued.map(({ serial_number }) => pki.ask("POST", "revoke", { serial_number })));
  const text = await crlText(pki, openssl);
  for (const { serial_number } of issued) assert.ok(text.includes(bare(serial_number)));
});

async function ocsp(t: TestContext, hash: string) {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  pki.clock.advance(Math.floor((Date.now() - pki.clock.now()) / 1000));
  const good = await issue(pki);
  const bad = await issue(pki, "b.example.com");
  await pki.ask("POST", "revoke", { serial_number: bad["serial_number"] });
  openssl.file("root.pem", pki.root);
  openssl.file("good.pem", good["certificate"]);
  openssl.file("bad.pem", bad["certificate"]);
  const request = openssl.file("request.der", "");
  openssl("ocsp", "-issuer", "root.pem", `-${hash}`, "-cert", "good.pem", "-cert", "bad.pem", "-reqout", request);
  const { readFileSync } = await import("node:fs");
  return { openssl, pki, der: readFileSync(request) };
}

for (const hash of ["sha1", "sha256"]) {
  test(`OCSP answers GET and POST as OpenSSL wants it, nonce and all (${hash})`, async (t) => {
    const { openssl, pki, der } = await ocsp(t, hash);
    const get = await pki.exchange("GET", `pki/ocsp/${der.toString("base64")}`, undefined, { token: "" });
    const post = await pki.exchange("POST", "pki/ocsp", undefined, { token: "", contentType: "application/ocsp-request", stream: Readable.from([der]) });
    for (const { status, bytes, contentType } of [get, post]) {
      assert.deepEqual([status, contentType], [200, "application/ocsp-response"]);
      const read = openssl("ocsp", "-no_nonce", "-issuer", "root.pem", `-${hash}`, "-cert", "good.pem", "-cert", "bad.pem", "-reqin", "request.der", "-respin", openssl.file("response.der", bytes), "-CAfile", "root.pem");
      assert.match(read, /Response verify OK/);
      assert.match(read, /good\.pem: good/);
      assert.match(read, /bad\.pem: revoked/);
      assert.doesNotMatch(read, /no nonce/i);
    }
  });
}

test("OCSP refuses what it cannot answer, as RFC 6960 has it", async (t) => {
  const { pki, der } = await ocsp(t, "sha1");
  const ask = async (bytes: Buffer) => (await pki.exchange("POST", "pki/ocsp", undefined, { token: "", stream: Readable.from([bytes]) })).bytes.toString("hex");
  assert.equal(await ask(Buffer.from("nonsense")), "30030a0101");
  assert.equal(await ask(Buffer.alloc(10_000)), "30030a0101");
  await pki.ask("DELETE", "issuer/default");
  assert.equal(await ask(der), "30030a0106");
  await pki.ask("POST", "config/crl", { ocsp_disable: true });
  assert.equal(await ask(der), "30030a0106");
});

test("an issuer that is revoked signs no more, and is on its own issuer's CRL", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const { csr } = await pki.data("POST", "intermediate/generate/internal", { common_name: "I", key_type: "ec" });
  const signed = await pki.data("POST", "root/sign-intermediate", { csr, ttl: "1000h" });
  const [id] = (await pki.data("POST", "intermediate/set-signed", { certificate: signed["certificate"] }))["imported_issuers"];
  assert.equal((await pki.data("POST", `issuer/${id}/revoke`))["revoked"], true);
  assert.match(await pki.refusal(`issuer/${id}/issue/any`, { common_name: "a.example.com" }), /revoked/);
  assert.ok((await crlText(pki, openssl)).includes(bare(signed["serial_number"])));
  assert.match(await pki.refusal(`issuer/${id}`, { usage: "issuing-certificates" }), /was revoked/);
});

test("tidy forgets what has ended, and the CRL with it", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  const [kept, gone] = [await pki.data("POST", "issue/any", { common_name: "k.example.com", ttl: "2000h" }), await issue(pki)];
  await pki.ask("POST", "revoke", { serial_number: gone["serial_number"] });
  assert.match((await pki.ask("POST", "tidy", {})).body.warnings![0]!, /no tidy operations were set/);
  assert.match(await pki.refusal("tidy", { tidy_cert_store: true, safety_buffer: 0 }), /safety_buffer/);
  pki.clock.advance(200 * 3600);
  assert.equal((await pki.data("GET", "tidy-status"))["state"], "Inactive");
  assert.equal((await pki.ask("POST", "tidy", { tidy_cert_store: true, tidy_revoked_certs: true })).status, 202);
  assert.match((await pki.ask("POST", "tidy", { tidy_cert_store: true })).body.warnings![0]!, /already in progress/);
  await pki.doDueWork();
  const status = await pki.data("GET", "tidy-status");
  assert.deepEqual([status["state"], status["cert_store_deleted_count"], status["revoked_cert_deleted_count"]], ["Finished", 1, 1]);
  const keys = (await pki.data("LIST", "certs"))["keys"] as string[];
  assert.deepEqual([keys.includes(kept["serial_number"]), keys.includes(gone["serial_number"])], [true, false]);
  assert.equal((await pki.request("LIST", "pki/certs/revoked")).status, 404);
  assert.match(await crlText(pki, openssl), /No Revoked Certificates/);
  assert.match(await pki.refusal("config/auto-tidy", { enabled: true }), /no tidy operations were requested/);
  await pki.ask("POST", "config/auto-tidy", { enabled: true, tidy_cert_store: true, interval_duration: "1h" });
  pki.clock.advance(3000 * 3600);
  await pki.doDueWork();
  assert.equal((await pki.request("LIST", "pki/certs")).body["data"].keys.length, 1);
  await pki.ask("POST", "tidy", { tidy_cert_store: true });
  await pki.ask("POST", "tidy-cancel");
  await pki.doDueWork();
  assert.equal((await pki.data("GET", "tidy-status"))["state"], "Cancelled");
});

test("settings of tidy and CRLs that are about other clusters are false, and say so", async () => {
  const pki = await createPkiWithRoot();
  const between = { cross_cluster_revocation: false, unified_crl: false, unified_crl_on_existing_paths: false };
  assert.deepEqual(Object.fromEntries(Object.entries(await pki.data("GET", "config/crl")).filter(([name]) => name in between)), between);
  for (const name of Object.keys(between)) assert.match(await pki.refusal("config/crl", { [name]: true }), new RegExp(`^${name} cannot be enabled: there is no replication`));
  assert.equal((await pki.data("POST", "config/crl", { ...between, expiry: "100h" }))["expiry"], "100h");
  const asked = { tidy_revocation_queue: true, tidy_invalid_certs: true, page_size: 10, pause_duration: "5s", revoked_safety_buffer: "1h", safety_buffer: "2h" };
  assert.equal((await pki.ask("POST", "tidy", asked)).status, 202);
  await pki.doDueWork();
  const status = await pki.data("GET", "tidy-status");
  assert.deepEqual([status["state"], status["tidy_revocation_queue"], status["revocation_queue_deleted_count"], status["page_size"], status["revoked_safety_buffer"], status["safety_buffer"]], ["Finished", true, 0, 10, 3600, 7200]);
  const wrong = [{ page_size: 4 }, { acme_account_safety_buffer: 0 }, { revoked_safety_buffer: 0 }, { issuer_safety_buffer: 0 }, { pause_duration: "-1s" }, { pause_duration: "x" }];
  for (const body of wrong) for (const path of ["tidy", "config/auto-tidy"]) assert.ok(await pki.refusal(path, { tidy_acme: true, ...body }), JSON.stringify(body));
  const auto = await pki.data("POST", "config/auto-tidy", { enabled: true, tidy_acme: true, acme_account_safety_buffer: "48h" });
  assert.deepEqual([auto["tidy_acme"], auto["acme_account_safety_buffer"], auto["revoked_safety_buffer"], auto["page_size"]], [true, 172_800, 259_200, 1000]);
});

test("a revoked certificate is kept for as long as revoked_safety_buffer says", async () => {
  const pki = await createPkiWithRoot();
  const { serial_number } = await pki.data("POST", "issue/any", { common_name: "a.example.com", ttl: "1h" });
  await pki.data("POST", "revoke", { serial_number });
  const revoked = async () => (await pki.request("LIST", "pki/certs/revoked")).status;
  pki.clock.advance(3 * 3600);
  await pki.ask("POST", "tidy", { tidy_revoked_certs: true, safety_buffer: "1h", revoked_safety_buffer: "24h" });
  await pki.doDueWork();
  assert.equal(await revoked(), 200);
  await pki.ask("POST", "tidy", { tidy_revoked_certs: true, safety_buffer: "1h" });
  await pki.doDueWork();
  assert.equal(await revoked(), 404);
});

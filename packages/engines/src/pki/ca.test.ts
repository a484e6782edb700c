import assert from "node:assert/strict";
import { test } from "node:test";
import { atSeconds, createPki, createPkiWithRoot, openSsl } from "./testing.js";

test("an intermediate in another mount is signed, taken, and issues what verifies up to the root", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPkiWithRoot();
  await pki.mount("int", "pki");
  const int = async (path: string, body: Record<string, unknown>) => {
    const answer = await pki.request("POST", `int/${path}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.body["data"];
  };
  const { csr, key_id } = await int("intermediate/generate/internal", { common_name: "Intermediate", key_type: "rsa", key_bits: 2048 });
  assert.match(openssl("req", "-in", openssl.file("i.csr", csr), "-noout", "-verify", "-subject"), /CN = Intermediate/);
  const signed = await pki.data("POST", "root/sign-intermediate", { csr, ttl: "8760h", format: "pem_bundle", organization: "Inc" });
  assert.equal(signed["ca_chain"].length, 2);
  const taken = await int("intermediate/set-signed", { certificate: signed["certificate"] });
  assert.equal(taken.imported_issuers.length, 2);
  assert.ok(Object.values(taken.mapping as Record<string, string>).includes(key_id as string));
  const listed = (await pki.request("LIST", "int/issuers")).body["data"];
  const own = Object.entries(listed.key_info as Record<string, { key_id: string; is_default: boolean }>).find(([, info]) => info.key_id === key_id)!;
  assert.equal(own[1].is_default, true);
  await int("roles/web", { allow_any_name: true, key_type: "ec" });
  const leaf = await int("issue/web", { common_name: "a.example.com", ttl: "1h" });
  assert.equal(leaf.ca_chain.length, 2);
  const args = ["verify", "-x509_strict", "-attime", atSeconds(pki), "-CAfile", openssl.file("root.pem", pki.root), "-untrusted", openssl.file("int.pem", leaf.issuing_ca), openssl.file("leaf.pem", leaf.certificate)];
  assert.match(openssl(...args), /OK/);
  assert.equal((await int("issue/web", { common_name: "a.example.com", ttl: "1h", remove_roots_from_chain: true })).ca_chain.length, 1);
  const pss = await int("issue/web", { common_name: "b.example.com", ttl: "1h" });
  assert.match(openssl("x509", "-in", openssl.file("p.pem", pss.certificate), "-noout", "-text"), /sha256WithRSAEncryption/);
  await int("roles/pss", { allow_any_name: true, key_type: "ec", use_pss: true, signature_bits: 384 });
  const leafPss = openssl.file("pss.pem", (await int("issue/pss", { common_name: "c.example.com", ttl: "1h" })).certificate);
  assert.match(openssl("x509", "-in", leafPss, "-noout", "-text"), /rsassaPss[\s\S]*sha384/);
  assert.match(openssl(...args.slice(0, -1), leafPss), /OK/);
});

test("path lengths and name constraints are kept", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  await pki.data("POST", "root/generate/internal", { common_name: "R", key_type: "ec", max_path_length: 1, permitted_dns_domains: "example.com", ttl: "1000h" });
  const { csr } = await pki.data("POST", "intermediate/generate/internal", { common_name: "I", key_type: "ec", add_basic_constraints: true });
  const { body } = await pki.ask("POST", "root/sign-intermediate", { csr, ttl: "2000h" });
  assert.ok(body.warnings!.some((text) => text.includes("path length of the signed certificate is zero")));
  assert.ok(body.warnings!.some((text) => text.includes("after the CA's expiration")));
  assert.match(openssl("x509", "-in", openssl.file("i.pem", body["data"].certificate), "-noout", "-ext", "basicConstraints"), /CA:TRUE, pathlen:0/);
  assert.match(openssl("x509", "-in", openssl.file("r.pem", body["data"].issuing_ca), "-noout", "-text"), /Permitted:\s+DNS:example\.com/);
  assert.match(await pki.refusal("root/sign-intermediate", { csr, max_path_length: 3 }), /max_path_length must be less than 1/);
  await pki.ask("POST", "issuers/import/bundle", { pem_bundle: body["data"].certificate });
  const { issuers } = { issuers: (await pki.data("LIST", "issuers"))["key_info"] as Record<string, { is_default: boolean }> };
  const [second] = Object.entries(issuers).find(([, info]) => !info.is_default)!;
  assert.match(await pki.refusal(`issuer/${second}/sign-intermediate`, { csr }), /max path length of zero/);
});

test("issuers and keys have names, defaults, settings and chains", async () => {
  const pki = await createPki();
  const first = await pki.data("POST", "root/generate/exported", { common_name: "One", key_type: "ec", issuer_name: "one", key_name: "key-one" });
  assert.deepEqual([first["issuer_name"], first["key_name"], first["private_key_type"]], ["one", "key-one", "ec"]);
  assert.match(first["private_key"], /BEGIN EC PRIVATE KEY/);
  const second = await pki.data("POST", "root/rotate/internal", { common_name: "Two", key_type: "ed25519" });
  assert.equal(second["issuer_name"], "next");
  assert.deepEqual(await pki.data("GET", "config/issuers"), { default: second["issuer_id"], default_follows_latest_issuer: false });
  await pki.data("POST", "root/replace", { default: "one" });
  assert.equal((await pki.data("GET", "config/issuers"))["default"], first["issuer_id"]);
  assert.deepEqual(await pki.data("GET", "issuer/one"), {
    issuer_id: first["issuer_id"], issuer_name: "one", key_id: first["key_id"], certificate: `${first["certificate"]}\n`, manual_chain: null, ca_chain: [`${first["certificate"]}\n`],
    leaf_not_after_behavior: "err", usage: "crl-signing,issuing-certificates,ocsp-signing,read-only", revocation_signature_algorithm: "ECDSAWithSHA256", revoked: false,
    issuing_certificates: [], crl_distribution_points: [], delta_crl_distribution_points: [], ocsp_servers: [],
  });
  const key = await pki.data("GET", "key/key-one");
  assert.deepEqual([key["key_id"], key["key_type"]], [first["key_id"], "ec"]);
  assert.match(key["subject_key_id"], /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/);
  assert.equal((await pki.data("LIST", "keys"))["key_info"][first["key_id"]].is_default, true);
  assert.match(await pki.refusal("root/generate/internal", { common_name: "x", key_type: "ec", issuer_name: "one" }), /issuer name already in use/);
  assert.match(await pki.refusal("root/generate/internal", { common_name: "x", key_type: "ec", issuer_name: "default" }), /reserved/);
  assert.match(await pki.refusal("root/generate/kms", { common_name: "x" }), /managed keys/);
  assert.match(await pki.refusal("root/generate/existing", { common_name: "x", key_ref: "none" }), /unable to find PKI key/);
  assert.match(await pki.refusal("root/generate/internal", { common_name: "x", key_type: "rsa", key_bits: 1024 }), /RSA keys < 2048 bits/);
  assert.match(await pki.refusal("issuer/one", { usage: "everything" }), /Unable to parse specified usages/);
  assert.match(await pki.refusal("issuer/one", { revocation_signature_algorithm: "SHA256WithRSA" }), /unable to use SHA256WithRSA/);
  assert.match(await pki.refusal("issuer/one", { manual_chain: second["issuer_id"] }), /self-reference/);
  assert.match(await pki.refusal("issuer/one", { crl_distribution_points: "nowhere" }), /invalid URL found/);
  await pki.data("PATCH", "issuer/one", { usage: "read-only", issuer_name: "uno" });
  assert.equal((await pki.request("GET", "pki/issuer/one")).status, 400);
  await pki.ask("POST", "roles/any", { allow_any_name: true, key_type: "ec", issuer_ref: "uno" });
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com" }), /unable to use issuer/);
  assert.match(await pki.refusal("key/key-one", {}, "DELETE"), /Key in Use by Issuer/);
  const gone = await pki.ask("DELETE", "issuer/uno");
  assert.match(gone.body.warnings![0]!, /was configured as the default issuer/);
  assert.equal((await pki.ask("DELETE", "key/key-one")).status, 200);
  const cleared = await pki.ask("DELETE", "root");
  assert.match(cleared.body.warnings![0]!, /deletes all keys and issuers/);
  assert.equal((await pki.request("LIST", "pki/issuers")).status, 404);
  assert.match(await pki.refusal("issue/any", { common_name: "a.example.com" }), /unable to find PKI issuer|no default issuer/);
});

test("a bundle of OpenSSL's making is imported once, whatever its order", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", openssl.file("k.pem", ""), "-out", openssl.file("c.pem", ""), "-subj", "/CN=Foreign Root", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
  const certificate = openssl("x509", "-in", "c.pem");
  const key = openssl("pkey", "-in", "k.pem");
  const legacy = openssl("rsa", "-in", "k.pem", "-traditional").replace("writing RSA key\n", "");
  assert.match(await pki.refusal("issuers/import/cert", { pem_bundle: certificate + key }), /private keys found in the PEM bundle/);
  const only = await pki.data("POST", "issuers/import/cert", { pem_bundle: certificate });
  assert.deepEqual([only["imported_issuers"].length, only["imported_keys"]], [1, null]);
  assert.deepEqual(Object.values(only["mapping"]), [""]);
  const both = await pki.data("POST", "config/ca", { pem_bundle: legacy + certificate });
  assert.deepEqual([both["imported_issuers"], both["existing_issuers"], both["imported_keys"].length], [null, only["imported_issuers"], 1]);
  assert.deepEqual(both["mapping"], { [only["imported_issuers"][0]]: both["imported_keys"][0] });
  assert.deepEqual((await pki.data("POST", "config/ca", { pem_bundle: certificate + key }))["existing_keys"], both["imported_keys"]);
  assert.match(await pki.refusal("config/ca", { pem_bundle: "/etc/ssl/ca.pem" }), /too short/);
  assert.match(await pki.refusal("config/ca", { pem_bundle: certificate.replace(/[A-Za-z0-9+/]{64}/, "A".repeat(64)) }), /not valid DER|could not be parsed|malformed|not complete|marked/);
  const { certificate: leaf } = await (async () => {
    await pki.ask("POST", "roles/any", { allow_any_name: true, key_type: "ec", not_before_duration: "0s", ttl: "1h" });
    pki.clock.advance(Math.floor((Date.now() - pki.clock.now()) / 1000));
    return pki.data("POST", "issue/any", { common_name: "a.example.com" });
  })();
  assert.match(await pki.refusal("issuers/import/cert", { pem_bundle: leaf }), /not marked for CA use/);
  assert.match(openssl("verify", "-CAfile", "c.pem", openssl.file("l.pem", leaf)), /OK/);
});

test("a cross-signed root gives a second way up, and a self-issued certificate keeps its own words", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  const older = await pki.data("POST", "root/generate/internal", { common_name: "Old", key_type: "ec", issuer_name: "old", ttl: "8000h" });
  const newer = await pki.data("POST", "root/generate/internal", { common_name: "New", key_type: "ec", issuer_name: "new", key_name: "new", ttl: "8000h" });
  const { csr } = await pki.data("POST", "intermediate/cross-sign", { common_name: "New", key_ref: "new" });
  const cross = await pki.data("POST", "issuer/old/sign-intermediate", { csr, common_name: "New", ttl: "8000h" });
  await pki.ask("POST", "issuers/import/cert", { pem_bundle: cross["certificate"] });
  const chain = (await pki.data("GET", "issuer/new"))["ca_chain"] as string[];
  assert.deepEqual([chain.length, chain[0]], [3, `${newer["certificate"]}\n`]);
  assert.ok(chain.includes(`${older["certificate"]}\n`));
  const selfIssued = await pki.data("POST", "issuer/old/sign-self-issued", { certificate: newer["certificate"] });
  await pki.ask("POST", "roles/any", { allow_any_name: true, key_type: "ec", issuer_ref: "new" });
  const leaf = openssl.file("leaf.pem", (await pki.data("POST", "issue/any", { common_name: "a.example.com", ttl: "1h" }))["certificate"]);
  for (const way of [cross["certificate"], selfIssued["certificate"]]) {
    const verified = openssl("verify", "-attime", atSeconds(pki), "-CAfile", openssl.file("old.pem", older["certificate"]), "-untrusted", openssl.file("way.pem", way), leaf);
    assert.match(verified, /OK/);
  }
  assert.match(await pki.refusal("root/sign-self-issued", { certificate: cross["certificate"] }), /not self-issued/);
});

test("templates of URLs are filled in for each issuer", async (t) => {
  const openssl = openSsl(t);
  const pki = await createPki();
  assert.match(await pki.refusal("config/urls", { issuing_certificates: "x" }), /invalid URL/);
  const urls = { issuing_certificates: "{{cluster_aia_path}}/issuer/{{issuer_id}}/der", ocsp_servers: "{{cluster_path}}/ocsp", enable_templating: true };
  const LACKING = "unable to template AIA URLs as we lack local cluster address information (aia_path)";
  assert.equal((await pki.ask("POST", "config/urls", urls)).body.warnings, null);
  const root = await pki.data("POST", "root/generate/internal", { common_name: "R", key_type: "ec" });
  await pki.ask("POST", "roles/any", { allow_any_name: true, key_type: "ec" });
  // Once there is an issuer, who sets them is told what they lack.
  const warnings = [`issuance may fail: ${LACKING}\n\nConsider setting the cluster-local address if it is not already set.`];
  assert.deepEqual((await pki.ask("POST", "config/urls", urls)).body.warnings, warnings);
  const { ocsp_servers } = urls;
  assert.match((await pki.ask("PATCH", `issuer/${root["issuer_id"]}`, { ocsp_servers, enable_aia_url_templating: true })).body.warnings![0]!, /address information \(path\)/);
  await pki.ask("PATCH", `issuer/${root["issuer_id"]}`, { ocsp_servers: [] });
  assert.equal(await pki.refusal("issue/any", { common_name: "a.example.com", ttl: "1h" }), LACKING);
  await pki.ask("POST", "config/cluster", { path: "https://c.example.com/v1/pki", aia_path: "http://aia.example.com" });
  const issued = await pki.data("POST", "issue/any", { common_name: "a.example.com", ttl: "1h" });
  const text = openssl("x509", "-in", openssl.file("c.pem", issued["certificate"]), "-noout", "-text");
  assert.ok(text.includes(`CA Issuers - URI:http://aia.example.com/issuer/${root["issuer_id"]}/der`), text);
  assert.match(text, /OCSP - URI:https:\/\/c\.example\.com\/v1\/pki\/ocsp/);
});

test("an RSA key is made and signed with while the thread goes on with other things", async () => {
  const pki = await createPki();
  let turns = 0;
  let isDone = false;
  const turn = () => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  await pki.ask("POST", "root/generate/internal", { common_name: "R", key_type: "rsa", key_bits: 4096 });
  isDone = true;
  // Making such a key takes a tenth of a second at least: a thread that did it would have had a handful of turns.
  assert.ok(turns > 100, `${turns} turns`);
});

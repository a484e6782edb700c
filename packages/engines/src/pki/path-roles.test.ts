import assert from "node:assert/strict";
import { test } from "node:test";
import { createPki, createPkiWithRoot } from "./testing.js";

/** As Vault answers; Terraform reads every one of them back. */
const DEFAULTS = {
  allow_any_name: false, allow_bare_domains: false, allow_globs_in_identity_templates: false, allow_glob_domains: false, allow_ip_sans: true, allow_localhost: true, allow_subdomains: false, allow_token_displayname: false, allow_wildcard_certificates: true,
  allowed_domains: [], allowed_domains_template: false, allowed_ip_sans_cidr: [], allowed_other_sans: [], allowed_serial_numbers: [], allowed_uri_sans: [], allowed_uri_sans_template: false, allowed_user_ids: [],
  basic_constraints_valid_for_non_ca: false, client_flag: true, cn_validations: ["email", "hostname"], code_signing_flag: false, country: [], email_protection_flag: false, enforce_hostnames: true, ext_key_usage: [], ext_key_usage_oids: [],
  generate_lease: false, issuer_ref: "default", key_bits: 2048, key_type: "rsa", key_usage: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"], locality: [], max_ttl: 0, no_store: false, no_store_metadata: false, not_after: "", not_after_bound: "permit", not_before: "", not_before_bound: "permit", not_before_duration: 30,
  organization: [], ou: [], policy_identifiers: [], postal_code: [], province: [], require_cn: true, serial_number_source: "json-csr", server_flag: true, signature_bits: 0, street_address: [], ttl: 0, use_csr_common_name: true, use_csr_sans: true, use_pss: false,
};

test("a role has Vault's defaults, and a write's answer says so", async () => {
  const pki = await createPki();
  const { body } = await pki.ask("POST", "roles/plain", {});
  assert.deepEqual(body["data"], DEFAULTS);
  assert.deepEqual(body.warnings, ["Issuing Certificate was set to default, but no default issuing certificate (configurable at /config/issuers) is currently set"]);
  assert.deepEqual(await pki.data("GET", "roles/plain"), DEFAULTS);
  assert.deepEqual(await pki.data("LIST", "roles"), { keys: ["plain"] });
  await pki.ask("DELETE", "roles/plain");
  assert.equal((await pki.request("GET", "pki/roles/plain")).status, 404);
});

test("settings come back in Vault's types, whatever way they went in", async () => {
  const pki = await createPkiWithRoot();
  await pki.ask("POST", "roles/typed", { ttl: "1h", max_ttl: 7200, not_before_duration: "2m", allowed_domains: "a.com, b.com", key_type: "ec", key_bits: "384", ou: ["x", "y"], server_flag: "false", allowed_ip_sans_cidr: "10.1.2.3/8", policy_identifiers: ["1.2.3"], key_usage: [] });
  const role = await pki.data("GET", "roles/typed");
  const expected = { ...DEFAULTS, ttl: 3600, max_ttl: 7200, not_before_duration: 120, allowed_domains: ["a.com", "b.com"], key_type: "ec", key_bits: 384, ou: ["x", "y"], server_flag: false, allowed_ip_sans_cidr: ["10.0.0.0/8"], policy_identifiers: ["1.2.3"], key_usage: [] };
  assert.deepEqual(role, expected);
  await pki.ask("PATCH", "roles/typed", { ttl: "30m", key_type: "ed25519" });
  assert.deepEqual(await pki.data("GET", "roles/typed"), { ...expected, ttl: 1800, key_type: "ed25519", key_bits: 0 });
  await pki.ask("POST", "roles/typed", { key_type: "ec" });
  assert.deepEqual(await pki.data("GET", "roles/typed"), { ...DEFAULTS, key_type: "ec", key_bits: 256 });
});

test("wrong settings are refused, each by its name, and nothing is written", async () => {
  const pki = await createPkiWithRoot();
  const before = pki.store.index();
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ ttl: "2h", max_ttl: "1h" }, /"ttl" value must be less than "max_ttl" value/],
    [{ ttl: "-1h" }, /negative/],
    [{ key_type: "dsa" }, /unknown key type dsa/],
    [{ key_bits: 1024 }, /RSA keys < 2048 bits/],
    [{ key_type: "ec", key_bits: 255 }, /unsupported bit length for EC key: 255/],
    [{ signature_bits: 1 }, /unsupported hash signature algorithm: 1/],
    [{ ext_key_usage_oids: "1.x" }, /could not be parsed as a valid oid/],
    [{ policy_identifiers: "x" }, /could not be parsed as a valid oid for a policy identifier/],
    [{ policy_identifiers: 5 }, /must be a list/],
    [{ cn_validations: "email,email" }, /specified multiple times/],
    [{ cn_validations: "disabled,email" }, /cannot specify `disabled` along/],
    [{ cn_validations: "none" }, /unknown type/],
    [{ allowed_other_sans: "x" }, /error parsing allowed_other_sans: expected a semicolon/],
    [{ allowed_ip_sans_cidr: "10.0.0.0" }, /invalid CIDR address/],
    [{ not_after: "never" }, /not_after must be a time/],
    [{ allowed_domains_template: true, allowed_domains: "{{x" }, /unbalanced templating characters/],
    [{ not_before: "never" }, /not_before must be a time/],
    [{ not_before_bound: "never" }, /not_before_bound/],
    [{ not_after_bound: "never" }, /not_after_bound must be a time/],
    [{ serial_number_source: "csr" }, /serial_number_source/],
    [{ allow_any_name: "perhaps" }, /cannot parse "perhaps" as bool/],
  ];
  for (const [body, message] of refused) assert.match(await pki.refusal("roles/wrong", body), message, JSON.stringify(body));
  assert.match(await pki.refusal("roles/none", { ttl: 1 }, "PATCH"), /Unable to fetch role entry to patch/);
  assert.equal(pki.store.index(), before);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestClock, createTestEnvironment } from "../testing/environment.js";
import { checkTemplate, makeUsername } from "./username-template.js";

const env = createTestEnvironment(createTestClock(), "names");
const name = (template: string, Type: "iam_user" | "STS" = "iam_user") => makeUsername(template, { DisplayName: "token", PolicyName: "ec2-power-user", Type }, env);

test("names look like Vault's", () => {
  assert.match(name(""), /^vault-token-ec2-power-user-1767225600-[0-9A-Za-z]{20}$/);
  assert.match(name("", "STS"), /^vault-1767225600-[0-9A-Za-z]{15}$/);
});

test("a template has calls, pipes, texts and conditions", () => {
  assert.equal(name('app-{{ .PolicyName | replace "-" "_" | uppercase }}'), "app-EC2_POWER_USER");
  assert.equal(name('{{ if (eq .Type "STS") }}s{{ else }}u{{ end }}-{{ printf "%s.%s" .DisplayName "x" | truncate 6 }}'), "u-token.");
  assert.match(name("{{ uuid }}"), /^[0-9a-f-]{36}$/);
  assert.equal(name('{{ timestamp "20060102" }}'), "20260101");
  assert.equal(name('{{ truncate_sha256 12 "abcdefghijklmnop" }}').length, 12);
});

test("what AWS takes in no name becomes an underscore, or is refused", () => {
  assert.equal(makeUsername("{{ .DisplayName }}", { DisplayName: "ldap/jö x", PolicyName: "r", Type: "iam_user" }, env), "ldap_j__x");
  assert.throws(() => name("a b"), /characters/);
  assert.throws(() => name("{{ random 65 }}"), /length limits of 64/);
  assert.throws(() => name("{{ random 33 }}", "STS"), /length limits of 32/);
});

test("a template that does not parse, or calls what there is not, is refused", () => {
  for (const template of ["{{", "{{ }}", "{{ end }}", "{{ if .Type }}x", "{{ (random 3 }}", "{{ nothing 3 }}", "{{ .Secret }}", "{{ random }}", "{{ random 0 }}", "{{ 3 | 4 }}", "{{ constructor }}", "{{ .constructor }}", '{{ "\\q" }}', "{{ random 1000000 }}", '{{ if (eq .Type "x") }}{{ nothing }}{{ else }}a{{ end }}']) {
    assert.throws(() => checkTemplate(template, env), { name: "RequestError", code: "invalid_request" }, template);
  }
});

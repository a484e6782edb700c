import assert from "node:assert/strict";
import test from "node:test";
import { RequestError } from "../errors.js";
import type { OperationName } from "../framework/engine.js";
import { compileAcl, parsePolicy } from "./index.js";
import type { AclQuestion } from "./index.js";
import { DEFAULT_POLICY } from "./built-in.js";

const acl = (...texts: string[]) => compileAcl(texts.map((text, i) => parsePolicy(`p${i}`, text)), 0);
const ask = (path: string, operation: OperationName, more: Partial<AclQuestion> = {}): AclQuestion => ({ path, operation, exists: () => true, body: {}, wrapTtlSeconds: 0, ...more });
const rule = (path: string, capabilities: string, more = "") => `path "${path}" {\n capabilities = [${capabilities.split(",").map((one) => `"${one}"`).join(",")}]\n${more}}\n`;

test("nothing is allowed that is not granted", () => {
  assert.equal(acl().check(ask("secret/a", "read")).allowed, false);
  assert.deepEqual(acl().capabilities("secret/a"), ["deny"]);
});

test("the most specific path decides, as Vault's priority rules say", () => {
  const found = acl(rule("secret/*", "read") + rule("secret/data/+/x", "deny") + rule("secret/data/a/*", "update") + rule("secret/data/a/x", "list"));
  assert.deepEqual(found.capabilities("secret/other"), ["read"]);
  assert.deepEqual(found.capabilities("secret/data/b/x"), ["deny"]);
  assert.deepEqual(found.capabilities("secret/data/a/y"), ["update"]);
  assert.deepEqual(found.capabilities("secret/data/a/x"), ["list"], "an exact path wins over every pattern");
});

test("the guide's application policy", () => {
  const found = acl(rule("secret/data/production/api-gateway", "read,list") + rule("secret/data/production/+", "deny"));
  assert.equal(found.check(ask("secret/data/production/api-gateway", "read")).allowed, true);
  assert.equal(found.check(ask("secret/data/production/other", "read")).allowed, false);
});

test("equal paths of several policies add up, and deny wins", () => {
  assert.deepEqual(acl(rule("a/*", "read"), rule("a/*", "list")).capabilities("a/b"), ["list", "read"]);
  assert.deepEqual(acl(rule("a/*", "read"), rule("a/*", "deny")).capabilities("a/b"), ["deny"]);
});

test("create and update are told apart by what exists", () => {
  const found = acl(rule("a", "create"));
  assert.equal(found.check(ask("a", "update", { exists: () => false })).allowed, true);
  assert.equal(found.check(ask("a", "update", { exists: () => true })).allowed, false);
});

test("a list of a folder is granted with or without its slash; rules that fit with the slash come first", () => {
  assert.equal(acl(rule("secret/metadata/app", "list")).check(ask("secret/metadata/app/", "list")).allowed, true);
  assert.equal(acl(rule("secret/metadata/app/", "list")).check(ask("secret/metadata/app/", "list")).allowed, true);
  assert.equal(acl(rule("secret/metadata/+", "list")).check(ask("secret/metadata/app/", "list")).allowed, true);
  assert.equal(acl(rule("secret/*", "list") + rule("secret/metadata/+", "deny")).check(ask("secret/metadata/app/", "list")).allowed, true, "as Vault has it");
  assert.equal(acl(rule("secret/*", "list") + rule("secret/metadata/+/", "deny")).check(ask("secret/metadata/app/", "list")).allowed, false);
});

test("parameters: required, allowed, denied, with globs, any case", () => {
  const found = acl(rule("a", "create,update", 'allowed_parameters = { "zip" = [], "foo" = ["bar*"] }\nrequired_parameters = ["foo"]\n'));
  assert.equal(found.check(ask("a", "update", { body: { foo: "barn" } })).allowed, true);
  assert.equal(found.check(ask("a", "update", { body: { FOO: "barn", zip: 9 } })).allowed, true);
  assert.equal(found.check(ask("a", "update", { body: { foo: "x" } })).allowed, false);
  assert.equal(found.check(ask("a", "update", { body: { foo: "barn", other: 1 } })).allowed, false);
  assert.equal(found.check(ask("a", "update", { body: { zip: 1 } })).allowed, false);
  const denying = acl(rule("a", "update", "denied_parameters { ttl = [] }\n"));
  assert.equal(denying.check(ask("a", "update", { body: { ttl: "1h" } })).allowed, false);
  assert.equal(denying.check(ask("a", "update", { body: { x: 1 } })).allowed, true);
});

test("wrapping TTLs bound what is asked for", () => {
  const found = acl(rule("a", "read", 'min_wrapping_ttl = "10s"\nmax_wrapping_ttl = "1m"\n'));
  assert.deepEqual([0, 5, 10, 60, 61].map((wrapTtlSeconds) => found.check(ask("a", "read", { wrapTtlSeconds })).allowed), [false, false, true, true, false]);
});

test("root may do everything; legacy policies and MFA methods are understood; the default policy parses", () => {
  assert.deepEqual(compileAcl([{ name: "root", text: "", rules: [], isTemplated: false }], 0).capabilities("x"), ["root"]);
  assert.deepEqual(acl('path "a" { policy = "write" }').capabilities("a"), ["create", "delete", "list", "read", "update"]);
  assert.deepEqual(acl(rule("a", "update", 'mfa_methods = ["totp"]\n')).check(ask("a", "update")).mfaMethods, ["totp"]);
  assert.equal(acl(DEFAULT_POLICY).check(ask("auth/token/lookup-self", "read")).allowed, true);
});

test("errors say where", () => {
  assert.throws(() => parsePolicy("p", 'path "a" {\n  capabilities = ["fly"]\n}'), (error: RequestError) => error instanceof RequestError && /invalid capability "fly".*line 2, column 18/.test(error.message));
  assert.throws(() => parsePolicy("p", 'path "a/+*" { capabilities = ["read"] }'), RequestError);
  assert.throws(() => parsePolicy("p", 'path "a" { capabilitys = ["read"] }'), /did you mean "capabilities"/);
  assert.throws(() => parsePolicy("p", "{{{"), RequestError);
});

test("odd policies that HCL 1 and JSON allow mean what they say", () => {
  const readable = [
    'path "b" { capabilities = ["list"] } path "a" { capabilities = ["read"] min_wrapping_ttl = 0 }',
    'path "b"{capabilities=["list"]}path "a"{capabilities=["read"]}',
    '# one\n// two\n/* three\n */ path /* x */ "a" /* y */ { capabilities /* z */ = [/* q */ "read" /* r */,] # end\n}/**/',
    'path "a" { capabilities = ["read",], comment = "é", },',
    'path "a" { comment = <<-EOT\n  <<EOF\n  EOT\n capabilities = ["read"] }',
    '"path" "a" { "capabilities" = ["read"] }',
    "path a { capabilities = [, \"read\",, ] }",
    'path\n\n"a"\n{\ncapabilities\n=\n[\n"read"\n]\n}',
    'path "a" { policy = "read" }',
    'name = "x"\r\npath "\\141" {\r\n  capabilities = ["read"]\r\n}\r\n',
    '{"path":{"b":{"capabilities":["list"]},"a":{"capabilities":["read"]}}}',
    '{"name":"x","path":[{"a":{"policy":"read"}},{"b":{"policy":"deny"}}]}',
  ];
  for (const text of readable) assert.equal(acl(text).check(ask("a", "read")).allowed, true, text);
  for (const text of ["", "# nothing", "{}", " \n\t\n", 'path "a" {}']) assert.deepEqual(acl(text).capabilities("a"), ["deny"], text);
});

test("a + stands for any segment, the empty one behind a slash too, and never for two", () => {
  const found = acl(rule("ab/+", "read") + rule("+/c/*", "list"));
  assert.deepEqual(["ab/x", "ab/", "ab", "ab/x/y", "x/c/", "x/c", "x/c/d/e"].map((path) => found.capabilities(path)[0]), ["read", "read", "deny", "deny", "list", "deny", "list"]);
});

test("a + outranks a * at the same place, so its deny holds", () => {
  const rules = 'path "secret/*" { capabilities = ["read", "list"] }\npath "secret/+/b" { capabilities = ["deny"] }';
  const acl = compileAcl([parsePolicy("p", rules)], 0);
  assert.deepEqual(acl.capabilities("secret/a/b"), ["deny"]);
  assert.deepEqual(acl.capabilities("secret/a/c"), ["list", "read"]);
});

test("a rule with an expiration grants and denies until then", () => {
  const at = (now: string, ...texts: string[]) => compileAcl(texts.map((text, i) => parsePolicy(`p${i}`, text)), Date.parse(now)).capabilities("a");
  const until = (expiration: string, capabilities = "read") => rule("a", capabilities, `expiration = ${expiration}\n`);
  assert.deepEqual([at("2030-01-01T00:00:00Z", until('"2030-01-01T00:00:01Z"')), at("2030-01-01T00:00:01Z", until('"2030-01-01T00:00:01Z"'))], [["read"], ["deny"]]);
  assert.deepEqual(at("2030-01-01T00:00:00Z", rule("a", "list"), until('"1577836800"', "deny")), ["list"]);
  assert.deepEqual(at("2030-01-01T00:00:00Z", until("1893456001"), until('"2030-01-01T01:00:00+02:00"', "update"), until('""', "list")), ["list", "read"]);
  for (const wrong of ['"2030-01-01"', '"24h"', '"2030-13-01T00:00:00Z"', "true", "-1"]) assert.throws(() => at("2030-01-01T00:00:00Z", until(wrong)), /expiration/, wrong);
});

test("what would narrow a list is refused rather than looked over", () => {
  for (const name of ["pagination_limit = 10", 'list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}"']) assert.throws(() => parsePolicy("p", rule("a", "list", `${name}\n`)), /is not supported \(line 3/);
});

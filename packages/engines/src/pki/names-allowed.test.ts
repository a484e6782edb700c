import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatches, isCommonNameAllowed, isNameAllowed, parseOtherSan, toAscii } from "./names-allowed.js";
import type { NameRules } from "./names-allowed.js";

const NOTHING: NameRules = {
  allow_localhost: false, allowed_domains: [], allow_bare_domains: false, allow_subdomains: false, allow_glob_domains: false,
  allow_wildcard_certificates: true, allow_any_name: false, enforce_hostnames: true, cn_validations: ["email", "hostname"],
};
const judge = (rules: Partial<NameRules>, names: readonly string[]) => names.filter((name) => isNameAllowed({ ...NOTHING, ...rules }, name));

test("a role without domains allows nothing", () => assert.deepEqual(judge({}, ["localhost", "example.com", "", "*", "a@example.com"]), []));

test("bare, below, glob: each allows its own, in any case of the domain itself", () => {
  const names = ["example.com", "EXAMPLE.com", "a.example.com", "a.b.example.com", "*.example.com", "*.a.example.com", "notexample.com", "me@example.com", "me@a.example.com", "example.com.evil.org"];
  const domains = { allowed_domains: ["example.com", ""] };
  assert.deepEqual(judge({ ...domains, allow_bare_domains: true }, names), ["example.com", "EXAMPLE.com", "me@example.com"]);
  assert.deepEqual(judge({ ...domains, allow_subdomains: true }, names), ["a.example.com", "a.b.example.com", "*.example.com", "*.a.example.com", "me@a.example.com"]);
  assert.deepEqual(judge({ allowed_domains: ["*.example.com", "web-*"], allow_glob_domains: true }, [...names, "web-1", "we"]), ["a.example.com", "a.b.example.com", "*.example.com", "*.a.example.com", "me@a.example.com", "web-1"]);
});

test("a wildcard is one `*` in the first label, and can be forbidden even where any name goes", () => {
  const any = { allow_any_name: true };
  const names = ["*.example.com", "a*b.example.com", "*b.example.com", "a.*.example.com", "**.example.com", "*.*.example.com", "me@*.example.com", "*-.example.com"];
  assert.deepEqual(judge(any, names), ["*.example.com", "a*b.example.com", "*b.example.com"]);
  assert.deepEqual(judge({ ...any, allow_wildcard_certificates: false }, names), []);
});

test("host names are enforced, unless they are not", () => {
  const names = ["a_b.example.com", "-a.example.com", "a..b", "a b", `${"a".repeat(64)}.com`, "münchen.de", "a@b@c"];
  assert.deepEqual(judge({ allow_any_name: true }, names), ["münchen.de"]);
  assert.deepEqual(judge({ allow_any_name: true, enforce_hostnames: false }, names), names.slice(0, -1));
  assert.equal(toAscii("münchen.de"), "xn--mnchen-3ya.de");
});

test("localhost is allowed by a setting of its own", () => {
  const names = ["localhost", "localdomain", "me@localhost", "a.localhost", "*.localhost", "localhost.evil.org"];
  assert.deepEqual(judge({ allow_localhost: true }, names), ["localhost", "localdomain", "me@localhost"]);
  assert.deepEqual(judge({ allow_localhost: true, allow_subdomains: true }, names), names.slice(0, -1));
});

test("a common name is an address or a host name as cn_validations says, or anything", () => {
  const rules = { ...NOTHING, allow_any_name: true };
  assert.equal(isCommonNameAllowed({ ...rules, cn_validations: ["hostname"] }, "me@example.com"), false);
  assert.equal(isCommonNameAllowed({ ...rules, cn_validations: ["email"] }, "me@example.com"), true);
  assert.equal(isCommonNameAllowed(rules, "Jane Doe"), false);
  assert.equal(isCommonNameAllowed({ ...rules, cn_validations: ["disabled"] }, "Jane Doe"), true);
});

test("a glob's pieces must come in their order and not overlap", () => {
  for (const [pattern, text, expected] of [["*", "", true], ["a*a", "a", false], ["a*a", "aa", true], ["a*b*c", "axbxc", true], ["a*b*c", "acb", false], ["*b*", "abc", true], ["ab*bc", "abc", false], ["x", "x", true], ["x", "y", false]] as const) {
    assert.equal(globMatches(pattern, text), expected, `${pattern} ${text}`);
  }
});

test("other names are told by identifier, type and value", () => {
  assert.deepEqual(parseOtherSan("1.2.3;UTF-8:a:b;c", "x"), { oid: "1.2.3", value: "a:b;c" });
  for (const bad of ["1.2.3", "1.2.3;UTF8", "1.2.3;BMP:x", "one;UTF8:x"]) assert.throws(() => parseOtherSan(bad, "x"), { code: "invalid_request" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHcl, readBody } from "@coffer/hcl";
import { readUserLockout } from "./user-lockout.js";

const read = (text: string, environment: Record<string, string> = {}) => readUserLockout(readBody(parseHcl(text, "c.hcl")).blocks("user_lockout", 1), environment);

test("rules are read by type of auth method", () => {
  const text = 'user_lockout "all" { lockout_duration = "10m" }\nuser_lockout "UserPass" {\n lockout_threshold = "25"\n lockout_counter_reset = 60\n disable_lockout = "true"\n}';
  assert.deepEqual(read(text), { byType: { all: { durationSeconds: 600 }, userpass: { threshold: 25, counterResetSeconds: 60, disabled: true } } });
  assert.deepEqual(read(""), { byType: {} });
});

test("the environment turns lockout off or on for all", () => {
  assert.deepEqual(read("", { VAULT_DISABLE_USER_LOCKOUT: "true" }), { byType: {}, disabled: true });
  assert.deepEqual(read("", { VAULT_DISABLE_USER_LOCKOUT: "0" }), { byType: {}, disabled: false });
  assert.throws(() => read("", { VAULT_DISABLE_USER_LOCKOUT: "maybe" }), /VAULT_DISABLE_USER_LOCKOUT is true or false/);
});

test("what cannot be meant is refused, with its place", () => {
  assert.throws(() => read('user_lockout "github" {}'), /c\.hcl:1:.*one of all, userpass, approle, ldap/);
  assert.throws(() => read('user_lockout "all" {}\nuser_lockout "all" {}'), /two user_lockout blocks are for "all"/);
  assert.throws(() => read('user_lockout "all" { lockout_threshold = 0 }'), /at least 1/);
  assert.throws(() => read('user_lockout "all" { lockout_duration = "-1s" }'), /duration/);
  assert.throws(() => read('user_lockout "all" { threshold = 1 }'), /unknown key "threshold"/);
});

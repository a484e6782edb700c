import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountConfig } from "../framework/engine.js";
import type { Codec, WriteStorage } from "../framework/storage.js";
import { LOCKOUT_DEFAULTS, countFailure, expireFailures, forgetFailures, isLocked, lockedAliases, lockoutRules } from "./lockout.js";
import type { MountLockout } from "./lockout.js";

const mountOf = (type: string, user_lockout_config?: MountLockout) => ({ type, accessor: `auth_${type}_1`, config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false, ...(user_lockout_config && { user_lockout_config }) } satisfies MountConfig });
const userpass = mountOf("userpass");

test("the environment goes before the mount, the mount before its type, the type before all, all before Vault's defaults", () => {
  const byType = { all: { threshold: 7, durationSeconds: 70 }, ldap: { threshold: 9, disabled: true } };
  assert.deepEqual(lockoutRules({}, userpass), { threshold: 5, durationSeconds: 900, counterResetSeconds: 900, disabled: false });
  assert.deepEqual(lockoutRules({ byType }, userpass), { threshold: 7, durationSeconds: 70, counterResetSeconds: 900, disabled: false });
  assert.deepEqual(lockoutRules({ byType }, mountOf("ldap")), { threshold: 9, durationSeconds: 70, counterResetSeconds: 900, disabled: true });
  assert.deepEqual(lockoutRules({ byType }, mountOf("userpass", { lockout_threshold: 3, lockout_duration: 0, lockout_counter_reset_duration: 5, lockout_disable: true })), { threshold: 3, durationSeconds: 70, counterResetSeconds: 5, disabled: true });
  assert.equal(lockoutRules({ byType, disabled: false }, mountOf("ldap")).disabled, false);
  assert.equal(lockoutRules({ disabled: true }, userpass).disabled, true);
});

function memory() {
  const values = new Map<string, Uint8Array>();
  const storage: WriteStorage = {
    get: <T>(key: string, codec: Codec<T>) => (values.has(key) ? codec.decode(values.get(key)!) : undefined),
    put: (key, codec, value) => values.set(key, codec.encode(value)),
    delete: (key) => values.delete(key),
    list: (prefix) => Promise.resolve([...values.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)).sort()),
    keys: () => Promise.reject(new Error("not asked for")),
  };
  let now = 1_000_000;
  const env = { now: () => now, randomBytes: (length: number) => new Uint8Array(length), uuid: () => "" };
  return { storage, env, values, pass: (seconds: number) => (now += seconds * 1000), now: () => now };
}

const RULES = { ...LOCKOUT_DEFAULTS, threshold: 3, durationSeconds: 60, counterResetSeconds: 30 };

test("failures in a row lock, for a time, one alias of one mount", async () => {
  const { storage, env, pass, now } = memory();
  const locked = (alias = "a", mount = userpass) => isLocked(storage, mount, alias, RULES, now());
  for (let i = 0; i < 3; i++) {
    assert.equal(locked(), false);
    assert.equal(countFailure(storage, userpass, "a", RULES, env), true);
  }
  assert.deepEqual([locked(), locked("b"), locked("a", mountOf("ldap"))], [true, false, false]);
  assert.deepEqual(await lockedAliases(storage, userpass, RULES, now()), ["a"]);
  assert.equal(isLocked(storage, userpass, "a", { ...RULES, disabled: true }, now()), false);
  assert.deepEqual(await lockedAliases(storage, userpass, { ...RULES, disabled: true }, now()), []);
  pass(59);
  assert.equal(countFailure(storage, userpass, "a", RULES, env), false, "a locked alias fails without counting");
  pass(2);
  assert.equal(locked(), false);
  assert.deepEqual(await lockedAliases(storage, userpass, RULES, now()), []);
});

test("counting starts over after a while, and after a login", () => {
  const { storage, env, pass, now } = memory();
  const fail = () => countFailure(storage, userpass, "a", RULES, env);
  fail();
  fail();
  pass(31);
  fail();
  fail();
  assert.equal(isLocked(storage, userpass, "a", RULES, now()), false);
  forgetFailures(storage, userpass, "a");
  fail();
  fail();
  assert.equal(isLocked(storage, userpass, "a", RULES, now()), false);
});

test("what is of no more use goes, whatever the alias is called", () => {
  const { storage, env, values, pass, now } = memory();
  for (const alias of ["a/b", "x".repeat(10_000), "ü", ""]) countFailure(storage, userpass, alias, RULES, env);
  pass(10);
  countFailure(storage, userpass, "ü", RULES, env);
  const due = () => [...values.keys()].filter((key) => key.startsWith("expire/"));
  assert.equal(due().length, 4);
  assert.ok([...values.keys()].every((key) => key.length < 200));
  const expire = () => due().forEach((key) => expireFailures(storage, key.split("/").slice(3).join("/"), now()));
  pass(55);
  expire();
  assert.equal(values.size, 2, "the one that failed later stays");
  pass(10);
  expire();
  assert.equal(values.size, 0);
});

import assert from "node:assert/strict";
import test from "node:test";
import { loader, MINIMAL } from "./testing/files.js";

const kms = (more = "") => `seal "awskms" {\n  kms_key_id = "k"\n${more}}\n`;

test("without a seal block, and with shamir's, key shares are all there is", (t) => {
  const { load } = loader(t);
  for (const text of [MINIMAL, `${MINIMAL}seal "shamir" {}`]) assert.deepEqual(load(text).seals, []);
});

test("a seal has a name, a priority and its options; what is empty is left out", (t) => {
  const { load } = loader(t);
  assert.deepEqual(load(MINIMAL + kms('  endpoint = ""\n  disabled = "true"\n')).seals, [{ type: "awskms", name: "awskms", priority: 1, disabled: true, options: { region: "us-east-1", kms_key_id: "k" } }]);
  const several = `${MINIMAL}${kms('  name = "east"\n  priority = "2"\n')}${kms('  name = "west"\n  region = "us-west-2"\n')}seal "static" {\n  priority = 3\n  current_key_id = "1"\n  current_key = "env://KEY"\n}\n`;
  assert.deepEqual(load(several).seals.map(({ name, priority, type }) => [name, priority, type]), [["east", 2, "awskms"], ["west", 1, "awskms"], ["static", 3, "static"]]);
});

test("the environment wins over the file, but for the variables of the command line, and where it could mean two seals", (t) => {
  const { load } = loader(t);
  const transit = 'seal "transit" {\n  address = "http://t:1"\n  key_name = "k"\n  mount_path = "transit/"\n}\n';
  assert.equal(load(MINIMAL + kms(), { VAULT_AWSKMS_SEAL_KEY_ID: "other", AWS_REGION: "eu-west-1" }).seals[0]!.options["kms_key_id"], "other");
  assert.equal(load(MINIMAL + kms('  disallow_env_vars = true\n'), { VAULT_AWSKMS_SEAL_KEY_ID: "other" }).seals[0]!.options["kms_key_id"], "k");
  assert.deepEqual(load(MINIMAL + transit, { VAULT_ADDR: "http://me:1", VAULT_TOKEN: "t", VAULT_TRANSIT_SEAL_KEY_NAME: "other" }).seals[0]!.options, { address: "http://t:1", token: "t", key_name: "other", mount_path: "transit/" });
  const two = `${MINIMAL}${kms()}${kms('  name = "b"\n  priority = 2\n')}`;
  assert.deepEqual(load(two, { VAULT_AWSKMS_SEAL_KEY_ID: "other" }).seals.map(({ options }) => options["kms_key_id"]), ["k", "k"]);
  assert.deepEqual(load(MINIMAL, { VAULT_SEAL_TYPE: "awskms", VAULT_AWSKMS_SEAL_KEY_ID: "k" }).seals, [{ type: "awskms", name: "awskms", priority: 1, disabled: false, options: { region: "us-east-1", kms_key_id: "k" } }]);
});

test("what is wrong is said where it stands", (t) => {
  const { problem } = loader(t);
  assert.equal(problem(`${MINIMAL}seal "pkcs11" {}`), 'c.hcl:4:1: seal "pkcs11" is not known; this version has "shamir" (the default), "awskms", "transit" and "static"');
  assert.equal(problem(`${MINIMAL}seal "awskms" {\n  kms_keyid = "k"\n}`), 'c.hcl:4:1: seal "awskms" needs kms_key_id');
  assert.equal(problem(MINIMAL + kms('  regin = "x"\n')), 'c.hcl:6:3: unknown key "regin"; did you mean "region"?');
  assert.match(problem(MINIMAL + kms('  role_arn = "x"\n')), /^c\.hcl:6:14: role_arn is not read from the file: set AWS_ROLE_ARN/);
  assert.match(problem(MINIMAL + kms('  access_key = "x"\n')), /takes both of access_key and secret_key, or neither/);
  assert.match(problem(MINIMAL + kms("  priority = 0\n")), /priority is 1 or more/);
  assert.match(problem(MINIMAL + kms() + kms("  priority = 2\n")), /two seals are called "awskms"/);
  assert.match(problem(MINIMAL + kms() + kms('  name = "b"\n')), /two enabled seals have the same priority/);
  assert.match(problem(`${MINIMAL}${kms()}seal "shamir" {}`), /^c\.hcl:7:1: a seal "shamir" stands beside no other one/);
});

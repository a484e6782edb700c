import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

const ROLE = { key_type: "otp", default_user: "ubuntu", cidr_list: "10.0.0.0/8,fd00::/8", exclude_cidr_list: "10.9.0.0/16", allowed_users: "admin, deploy" };

async function prepared() {
  const harness = await createHarness();
  await harness.mount("ssh", "ssh");
  await harness.request("POST", "ssh/roles/hosts", ROLE);
  return harness;
}

test("a one-time password is good once, without a token", async () => {
  const { request } = await prepared();
  const { status, body } = await request("POST", "ssh/creds/hosts", { ip: "10.1.2.3" });
  assert.equal(status, 200);
  const { key, ...rest } = body["data"];
  assert.match(key, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, { key_type: "otp", username: "ubuntu", ip: "10.1.2.3", port: 22 });
  assert.deepEqual([body["renewable"], body["lease_duration"]], [false, 2_764_800]);
  const verify = () => request("POST", "ssh/verify", { otp: key }, { token: "" });
  assert.deepEqual((await verify()).body["data"], { username: "ubuntu", ip: "10.1.2.3", role_name: "hosts" });
  const again = await verify();
  assert.deepEqual([again.status, again.body.errors], [400, ["OTP not found"]]);
  assert.deepEqual((await request("POST", "ssh/verify", { otp: "verify-echo-request" }, { token: "" })).body["data"], { message: "verify-echo-response" });
  assert.equal((await request("POST", "ssh/verify", {}, { token: "" })).status, 400);
});

test("a one-time password ends with its lease", async () => {
  const { request } = await prepared();
  const { body } = await request("POST", "ssh/creds/hosts", { ip: "fd00::1", username: "deploy" });
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: body["lease_id"], sync: true })).status, 204);
  assert.equal((await request("POST", "ssh/verify", { otp: body["data"].key }, { token: "" })).status, 400);
});

test("hosts and users beyond the role are refused", async () => {
  const { request } = await prepared();
  for (const wrong of [{}, { ip: "x" }, { ip: "11.0.0.1" }, { ip: "10.9.1.1" }, { ip: "fe80::1" }, { ip: "10.1.1.1", username: "root" }]) assert.equal((await request("POST", "ssh/creds/hosts", wrong)).status, 400, JSON.stringify(wrong));
  assert.equal((await request("POST", "ssh/creds/none", { ip: "10.1.1.1" })).status, 400);
  assert.deepEqual((await request("POST", "ssh/lookup", { ip: "10.1.1.1" })).body["data"], { roles: ["hosts"] });
  assert.deepEqual((await request("POST", "ssh/lookup", { ip: "192.168.0.1" })).body["data"], { roles: null });
  assert.equal((await request("POST", "ssh/lookup", { ip: "x" })).status, 400);
});

test("a role of config/zeroaddress takes any host, until it is deleted", async () => {
  const { request } = await prepared();
  assert.equal((await request("GET", "ssh/config/zeroaddress")).status, 404);
  for (const wrong of [{}, { roles: "none" }]) assert.equal((await request("POST", "ssh/config/zeroaddress", wrong)).status, 400);
  assert.equal((await request("POST", "ssh/config/zeroaddress", { roles: "hosts" })).status, 204);
  assert.equal((await request("POST", "ssh/creds/hosts", { ip: "192.168.0.1" })).status, 200);
  await request("DELETE", "ssh/roles/hosts");
  assert.deepEqual((await request("GET", "ssh/config/zeroaddress")).body["data"], { roles: [] });
  assert.equal((await request("DELETE", "ssh/config/zeroaddress")).status, 204);
});

test("roles read back field for field, and lists say what they hand out", async () => {
  const { request } = await prepared();
  assert.deepEqual((await request("GET", "ssh/roles/hosts")).body["data"], { ...ROLE, port: 22 });
  await request("POST", "ssh/roles/web", { key_type: "ca", allow_user_certificates: true, ttl: "30m", default_extensions: { "permit-pty": "" }, allowed_user_key_lengths: { rsa: [2048, 4096] } });
  assert.deepEqual((await request("GET", "ssh/roles/web")).body["data"], {
    key_type: "ca", allowed_users: "", allowed_users_template: false, allowed_domains: "", allowed_domains_template: false, default_user: "", default_user_template: false, ttl: 1800, max_ttl: 0, allowed_critical_options: "", allowed_extensions: "",
    allow_user_certificates: true, allow_host_certificates: false, allow_bare_domains: false, allow_subdomains: false, allow_user_key_ids: false, allow_empty_principals: false, key_id_format: "", default_critical_options: {}, default_extensions: { "permit-pty": "" },
    default_extensions_template: false, allowed_user_key_lengths: { rsa: [2048, 4096] }, algorithm_signer: "default", not_before_duration: 30, allow_commas_in_identity_templates: false, issuer_ref: "default",
  });
  assert.deepEqual((await request("LIST", "ssh/roles")).body["data"], { keys: ["hosts", "web"], key_info: { hosts: { key_type: "otp" }, web: { key_type: "ca", issuer_ref: "default" } } });
});

test("roles that cannot be are refused", async () => {
  const { request } = await prepared();
  const ca = { key_type: "ca", allow_user_certificates: true };
  const wrong: Record<string, unknown>[] = [
    {}, { key_type: "dynamic" }, { key_type: "x" }, { key_type: "otp" }, { ...ROLE, cidr_list: "10.0.0.0" }, { ...ROLE, exclude_cidr_list: "x/8" }, { ...ROLE, cidr_list: "10.0.0.0/33" }, { ...ROLE, port: 70_000 }, { key_type: "ca" },
    { ...ca, ttl: "2h", max_ttl: "1h" }, { ...ca, algorithm_signer: "md5" }, { ...ca, default_extensions: { a: {} } }, { ...ca, default_critical_options: "x" }, { ...ca, allowed_user_key_lengths: { rsa: "big" } }, { ...ca, allowed_users: "{{identity.entity.name", allowed_users_template: true },
  ];
  for (const body of wrong) assert.equal((await request("POST", "ssh/roles/bad", body)).status, 400, JSON.stringify(body));
  assert.equal((await request("GET", "ssh/roles/bad")).status, 404);
});

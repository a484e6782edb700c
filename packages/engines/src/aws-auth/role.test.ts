import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function prepared() {
  const harness = await createHarness();
  await harness.mount("auth/aws", "aws");
  return harness;
}
const UNUSED = { role_arn: "", identity_token_audience: "", identity_token_ttl: 0, rotation_period: 0, rotation_schedule: "", rotation_window: 0, disable_automated_rotation: false };
const ROLE = "arn:aws:iam::123456789012:role/App";

test("the client configuration reads back without its secret key, and a write keeps what it does not name", async () => {
  const { request } = await prepared();
  assert.equal((await request("GET", "auth/aws/config/client")).status, 404);
  await request("POST", "auth/aws/config/client", { access_key: "AKIA1", secret_key: "hidden-key", region: "us-east-1", iam_server_id_header_value: "vault.internal.company.com" });
  await request("POST", "auth/aws/config/client", { allowed_sts_header_values: "X-Custom,X-Amz-Other", max_retries: 3 });
  const { body, text } = await request("GET", "auth/aws/config/client");
  assert.deepEqual(body["data"], { access_key: "AKIA1", endpoint: "", iam_endpoint: "", sts_endpoint: "", sts_region: "", use_sts_region_from_client: false, iam_server_id_header_value: "vault.internal.company.com", allowed_sts_header_values: ["X-Custom", "X-Amz-Other"], max_retries: 3, ...UNUSED });
  assert.ok(!text.includes("hidden-key"));
  for (const wrong of [{ access_key: "" }, { max_retries: -2 }, { sts_endpoint: "x" }, { iam_endpoint: "file:///x" }, { sts_region: "a.b" }, { allowed_sts_header_values: "a b" }, { role_arn: ROLE }, { rotation_period: 9 }, { rotation_window: 3600 }]) assert.equal((await request("POST", "auth/aws/config/client", wrong)).status, 400, JSON.stringify(wrong));
  assert.equal((await request("DELETE", "auth/aws/config/client")).status, 204);
  assert.equal((await request("GET", "auth/aws/config/client")).status, 404);
});

test("a role reads back field for field, with older names where it was written with them", async () => {
  const { request } = await prepared();
  assert.equal((await request("POST", "auth/aws/role/Dev", { auth_type: "iam", bound_iam_principal_arn: ROLE, resolve_aws_unique_ids: false, policies: "a,b", ttl: "1h", max_ttl: "24h" })).status, 204);
  const { role_id, ...data } = (await request("GET", "auth/aws/role/dev")).body["data"];
  assert.match(role_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(data, {
    auth_type: "iam", bound_account_id: [], bound_ami_id: [], bound_ec2_instance_id: [], bound_iam_instance_profile_arn: [], bound_iam_principal_arn: [ROLE], bound_iam_principal_id: [], bound_iam_role_arn: [], bound_region: [], bound_subnet_id: [], bound_vpc_id: [],
    inferred_entity_type: "", inferred_aws_region: "", resolve_aws_unique_ids: false, role_tag: "", allow_instance_migration: false, disallow_reauthentication: false,
    token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 86_400, token_no_default_policy: false, token_num_uses: 0, token_period: 0, token_policies: ["a", "b"], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 3600, token_type: "default",
    policies: ["a", "b"], ttl: 3600, max_ttl: 86_400,
  });
  for (const path of ["auth/aws/roles", "auth/aws/role"]) assert.deepEqual((await request("LIST", path)).body["data"], { keys: ["dev"] });
  assert.equal((await request("DELETE", "auth/aws/role/DEV")).status, 204);
  assert.equal((await request("GET", "auth/aws/role/dev")).status, 404);
});

test("roles that would let in everybody, or nobody knows whom, are refused", async () => {
  const { request } = await prepared();
  const wrong: Record<string, unknown>[] = [
    {}, { auth_type: "x", bound_iam_principal_arn: ROLE }, { bound_iam_principal_arn: "*" }, { bound_iam_principal_arn: "arn:aws:iam::*" }, { bound_iam_principal_arn: "arn:aws:iam::*:role/x" }, { bound_iam_principal_arn: "arn:*" },
    { bound_iam_principal_arn: "arn:aws:iam::123456789012:*" }, { bound_iam_principal_arn: "arn:aws:iam::123456789012:role/a*b" }, { bound_iam_principal_arn: "App" }, { bound_iam_principal_arn: "arn:aws:s3:::bucket" }, { bound_iam_principal_arn: "" },
    { bound_ami_id: "ami-1" }, { bound_iam_principal_arn: ROLE, bound_vpc_id: "vpc-1" }, { bound_iam_principal_arn: ROLE, inferred_entity_type: "ec2_instance" }, { bound_iam_principal_arn: ROLE, inferred_aws_region: "us-east-1" },
    { bound_ami_id: "a", inferred_entity_type: "lambda", inferred_aws_region: "us-east-1" }, { bound_ami_id: "a", inferred_entity_type: "ec2_instance", inferred_aws_region: "evil.example/" }, { bound_iam_principal_arn: ROLE, role_tag: "x" },
    { bound_iam_principal_arn: ROLE, token_ttl: 10, token_max_ttl: 5 }, { bound_iam_principal_arn: ROLE, token_type: "x" },
  ];
  for (const body of wrong) assert.equal((await request("POST", "auth/aws/role/bad", { resolve_aws_unique_ids: false, ...body })).status, 400, JSON.stringify(body));
  assert.equal((await request("GET", "auth/aws/role/bad")).status, 404);
});

test("roles are written by those who may", async () => {
  const { request, tokenWith } = await prepared();
  const token = await tokenWith('path "auth/aws/role/*" { capabilities = ["read"] }');
  assert.equal((await request("POST", "auth/aws/role/a", { bound_iam_principal_arn: ROLE, resolve_aws_unique_ids: false }, { token })).status, 403);
  assert.equal((await request("GET", "auth/aws/role/a", undefined, { token })).status, 404);
});

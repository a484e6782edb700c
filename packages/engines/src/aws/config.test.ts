import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { DEFAULT_USERNAME_TEMPLATE } from "./username-template.js";

test("the root configuration reads back without its secret key", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  assert.equal((await request("GET", "aws/config/root")).status, 404);
  const config = { access_key: "AKIA1", secret_key: "hidden-key", region: "us-east-1", iam_endpoint: "https://iam.amazonaws.com", sts_endpoint: "https://sts.amazonaws.com", max_retries: "5" };
  assert.equal((await request("POST", "aws/config/root", config)).status, 204);
  const { body, text } = await request("GET", "aws/config/root");
  assert.deepEqual(body["data"], {
    access_key: "AKIA1", region: "us-east-1", iam_endpoint: "https://iam.amazonaws.com", sts_endpoint: "https://sts.amazonaws.com", sts_region: "", sts_fallback_endpoints: [], sts_fallback_regions: [], max_retries: 5,
    username_template: DEFAULT_USERNAME_TEMPLATE, role_arn: "", identity_token_audience: "", identity_token_ttl: 0,
    rotation_period: 0, rotation_schedule: "", rotation_window: 0, disable_automated_rotation: false,
  });
  assert.ok(!text.includes("hidden-key"));
});

test("a root configuration that cannot work is refused, and nothing is written", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  for (const wrong of [{ access_key: "a" }, { secret_key: "a" }, { max_retries: -2 }, { max_retries: "x" }, { iam_endpoint: "ftp://x" }, { sts_endpoint: "nowhere" }, { username_template: "{{" }, { role_arn: "arn:aws:iam::1:role/x" }, { identity_token_audience: "a" }, { identity_token_ttl: 60 }, { rotation_period: "1h" }, { rotation_schedule: "0 * * * *" }, { sts_fallback_endpoints: "https://a" }, { sts_fallback_endpoints: "a", sts_fallback_regions: "b" }, { region: ["x"] }]) {
    const { status, body } = await request("POST", "aws/config/root", wrong);
    assert.equal(status, 400, JSON.stringify(wrong));
    assert.ok(body.errors![0]!.length > 0);
  }
  assert.equal((await request("GET", "aws/config/root")).status, 404);
});

test("the lease configuration takes and shows Go's durations", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  assert.equal((await request("GET", "aws/config/lease")).status, 404);
  assert.equal((await request("POST", "aws/config/lease", { lease: "30m", lease_max: "12h" })).status, 204);
  assert.deepEqual((await request("GET", "aws/config/lease")).body["data"], { lease: "30m0s", lease_max: "12h0m0s" });
  for (const wrong of [{ lease: "1h" }, { lease_max: "1h" }, { lease: "x", lease_max: "1h" }, { lease: "-1h", lease_max: "1h" }]) assert.equal((await request("POST", "aws/config/lease", wrong)).status, 400);
});

test("a role reads back as it was written, field for field", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  const policy = '{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}';
  assert.equal((await request("POST", "aws/roles/power", { credential_type: "iam_user", policy_document: policy, iam_tags: ["a=b"], user_path: "/apps/" })).status, 204);
  const empty = { policy_arns: null, role_arns: null, policy_document: "", iam_groups: null, iam_tags: null, session_tags: null, external_id: "", default_sts_ttl: 0, max_sts_ttl: 0, user_path: "", permissions_boundary_arn: "", mfa_serial_number: "" };
  assert.deepEqual((await request("GET", "aws/roles/power")).body["data"], { ...empty, credential_type: "iam_user", policy_document: JSON.stringify(JSON.parse(policy)), iam_tags: { a: "b" }, user_path: "/apps/" });
  await request("POST", "aws/roles/s3", { credential_type: "assumed_role", role_arns: "arn:aws:iam::123456789:role/VaultS3ReadOnly", default_sts_ttl: "3600", max_sts_ttl: "7200" });
  assert.deepEqual((await request("GET", "aws/roles/s3")).body["data"], { ...empty, credential_type: "assumed_role", role_arns: ["arn:aws:iam::123456789:role/VaultS3ReadOnly"], default_sts_ttl: 3600, max_sts_ttl: 7200 });
  assert.deepEqual((await request("LIST", "aws/roles")).body["data"], { keys: ["power", "s3"] });
  await request("POST", "aws/roles/s3", { external_id: "x" });
  assert.equal((await request("GET", "aws/roles/s3")).body["data"].default_sts_ttl, 3600);
  assert.equal((await request("DELETE", "aws/roles/s3")).status, 204);
  assert.equal((await request("GET", "aws/roles/s3")).status, 404);
});

test("roles are taken in their older form", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  const type = async (body: Record<string, unknown>) => {
    assert.equal((await request("POST", "aws/roles/old", body)).status, 204);
    return (await request("GET", "aws/roles/old")).body["data"].credential_type as string;
  };
  assert.equal(await type({ policy: '{"Statement":[]}' }), "iam_user,federation_token");
  await request("DELETE", "aws/roles/old");
  assert.equal(await type({ arn: "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess" }), "iam_user");
  await request("DELETE", "aws/roles/old");
  assert.equal(await type({ arn: "arn:aws:iam::123456789012:role/r" }), "assumed_role");
});

test("a role whose fields do not go together is refused", async () => {
  const { request, mount } = await createHarness();
  await mount("aws", "aws");
  const role = "arn:aws:iam::123456789012:role/r";
  const wrong: Record<string, unknown>[] = [
    {}, { credential_type: "other" }, { credential_type: "iam_user", policy_document: "{" }, { credential_type: "iam_user", policy_document: "[]" }, { credential_type: "iam_user", default_sts_ttl: 60 }, { credential_type: "iam_user", max_sts_ttl: 60 },
    { credential_type: "assumed_role", default_sts_ttl: 61, max_sts_ttl: 60 }, { credential_type: "assumed_role", user_path: "/a/" }, { credential_type: "iam_user", user_path: "a" }, { credential_type: "iam_user", permissions_boundary_arn: "x" },
    { credential_type: "assumed_role", permissions_boundary_arn: "arn:aws:iam::aws:policy/x" }, { credential_type: "session_token", policy_document: "{}" }, { credential_type: "iam_user", role_arns: role }, { credential_type: "iam_user", external_id: "x" },
    { credential_type: "iam_user", session_tags: { a: "b" } }, { credential_type: "assumed_role", role_arns: "x" }, { credential_type: "iam_user", policy: "{}" }, { arn: role, policy: "{}" }, { arn: "arn:aws:s3:::bucket" }, { arn: "x" },
  ];
  for (const body of wrong) assert.equal((await request("POST", "aws/roles/bad", body)).status, 400, JSON.stringify(body));
  assert.equal((await request("GET", "aws/roles/bad")).status, 404);
});

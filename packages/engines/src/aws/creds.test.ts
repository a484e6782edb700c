import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { motoProgram } from "@coffer/counterparts";
import { createAwsBench } from "../testing/aws-bench.js";
import type { AwsBench } from "../testing/aws-bench.js";

const options = { skip: motoProgram() === undefined && "moto is not installed" };
const POLICY = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ec2:DescribeInstances", Resource: "*" }] };
let READ_ONLY: string;
let bench: AwsBench;

before(async () => {
  if (motoProgram() !== undefined) bench = await createAwsBench();
  READ_ONLY = bench?.managedPolicy;
});
after(async () => bench?.end());

test("an IAM user is made with all that its role says, and goes with its lease", options, async () => {
  const { request, iam, stsAs, users } = bench;
  await iam.createGroup({ GroupName: "staff" });
  await request("POST", "aws/config/lease", { lease: "10m", lease_max: "1h" });
  await request("POST", "aws/roles/power", { credential_type: "iam_user", policy_document: JSON.stringify(POLICY), policy_arns: READ_ONLY, iam_groups: "staff", iam_tags: { team: "a" }, user_path: "/apps/" });
  const { status, body } = await request("GET", "aws/creds/power");
  assert.equal(status, 200);
  const { access_key, secret_key, ...rest } = body["data"];
  assert.deepEqual(rest, { security_token: null, session_token: null });
  assert.deepEqual([body["lease_duration"], body["renewable"]], [600, true]);
  assert.match(body["lease_id"], /^aws\/creds\/power\//);

  const { Arn } = await stsAs(access_key, secret_key).getCallerIdentity({});
  const UserName = Arn!.split("/").at(-1)!;
  assert.match(UserName, /^vault-root-power-\d+-\w{20}$/);
  assert.match(Arn!, /user\/apps\/vault/);
  assert.deepEqual((await iam.listUserPolicies({ UserName })).PolicyNames, ["power"]);
  assert.deepEqual(JSON.parse(decodeURIComponent((await iam.getUserPolicy({ UserName, PolicyName: "power" })).PolicyDocument!)), POLICY);
  assert.deepEqual((await iam.listAttachedUserPolicies({ UserName })).AttachedPolicies?.map((one) => one.PolicyArn), [READ_ONLY]);
  assert.deepEqual((await iam.listGroupsForUser({ UserName })).Groups?.map((one) => one.GroupName), ["staff"]);
  assert.deepEqual((await iam.listUserTags({ UserName })).Tags, [{ Key: "team", Value: "a" }]);

  const renewed = await request("POST", "sys/leases/renew", { lease_id: body["lease_id"], increment: 1200 });
  assert.equal(renewed.body["lease_duration"], 1200);
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: body["lease_id"], sync: true })).status, 204);
  assert.deepEqual(await users(), ["coffer"]);
});

test("a lease that ends takes its user along, and one that is gone already is no error", options, async () => {
  const { request, users, iam, clock, doDueWork } = bench;
  await request("POST", "aws/config/lease", { lease: "10m", lease_max: "1h" });
  await request("POST", "aws/roles/short", { credential_type: "iam_user", policy_arns: READ_ONLY });
  await request("POST", "aws/creds/short");
  const { body } = await request("GET", "aws/creds/short");
  const names = (await users()).filter((name) => name !== "coffer");
  assert.equal(names.length, 2);
  const [gone] = names;
  for (const { AccessKeyId } of (await iam.listAccessKeys({ UserName: gone })).AccessKeyMetadata!) await iam.deleteAccessKey({ UserName: gone, AccessKeyId });
  await iam.detachUserPolicy({ UserName: gone, PolicyArn: READ_ONLY });
  await iam.deleteUser({ UserName: gone });
  clock.advance(601);
  await doDueWork();
  assert.deepEqual(await users(), ["coffer"]);
  assert.equal((await request("POST", "sys/leases/lookup", { lease_id: body["lease_id"] })).status, 400);
});

test("a user that was made in vain is removed again", options, async () => {
  const { request, users, clock, doDueWork } = bench;
  await request("POST", "aws/roles/broken", { credential_type: "iam_user", policy_arns: [READ_ONLY, "arn:aws:iam::123456789012:policy/none"] });
  const { status, body } = await request("GET", "aws/creds/broken");
  assert.equal(status, 400);
  assert.match(body.errors![0]!, /Error attaching user policy: NoSuchEntity/);
  assert.equal((await users()).length, 2);
  clock.advance(5);
  await doDueWork();
  assert.deepEqual(await users(), ["coffer"]);
});

test("an assumed role gives credentials that work, with a lease that ends with them and takes nothing back", options, async () => {
  const { request, iam, stsAs } = bench;
  const { Role } = await iam.createRole({ RoleName: "readers", AssumeRolePolicyDocument: JSON.stringify(POLICY) });
  await request("POST", "aws/roles/s3", { credential_type: "assumed_role", role_arns: Role!.Arn, default_sts_ttl: "1800", max_sts_ttl: "7200" });
  const { status, body } = await request("POST", "aws/creds/s3", { role_session_name: "me" });
  assert.equal(status, 200);
  const { access_key, secret_key, security_token, session_token, arn, ttl } = body["data"];
  assert.equal(security_token, session_token);
  assert.match(arn, /:assumed-role\/readers\/me$/);
  assert.deepEqual([ttl, body["lease_duration"], body["renewable"]], [1800, 1800, false]);
  assert.equal((await stsAs(access_key, secret_key, session_token).getCallerIdentity({})).Arn, arn);
  assert.equal((await request("POST", "sys/leases/renew", { lease_id: body["lease_id"] })).status, 400);
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: body["lease_id"], sync: true })).status, 204);
  assert.equal((await request("GET", "aws/sts/s3", undefined, { query: { ttl: "24h" } })).body["data"].ttl, 7200);
  assert.equal((await request("GET", "aws/creds/s3", undefined, { query: { role_arn: "arn:aws:iam::123456789012:role/other" } })).status, 400);
});

test("what the emulator does not keep goes to AWS: permissions boundaries, session tags, external ids and policies of sessions", options, async () => {
  const { request, iam, moto, mount, rootKey } = bench;
  const asked: URLSearchParams[] = [];
  const proxy = createServer((incoming, answer) => void forward(incoming, answer));
  const forward = async (incoming: IncomingMessage, answer: ServerResponse) => {
    const body = await text(incoming);
    asked.push(new URLSearchParams(body));
    const { status, headers, ...rest } = await fetch(moto.endpoint, { method: "POST", body, headers: { "content-type": incoming.headers["content-type"]!, authorization: incoming.headers.authorization! } }).then(async (got) => ({ status: got.status, headers: got.headers, xml: await got.text() }));
    answer.writeHead(status, { "content-type": headers.get("content-type") ?? "text/xml" }).end(rest.xml);
  };
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { Role } = await iam.createRole({ RoleName: "tagged", AssumeRolePolicyDocument: JSON.stringify(POLICY) });
  await mount("watched", "aws");
  await request("POST", "watched/config/root", { access_key: rootKey, secret_key: "x", region: "us-east-1", iam_endpoint: endpoint, sts_endpoint: endpoint, max_retries: 0 });
  await request("POST", "watched/roles/tagged", { credential_type: "assumed_role", role_arns: Role!.Arn, session_tags: { team: "a", cost: "b" }, external_id: "shared", policy_document: JSON.stringify(POLICY), policy_arns: READ_ONLY });
  assert.equal((await request("GET", "watched/creds/tagged")).status, 200);
  await request("POST", "watched/roles/bound", { credential_type: "iam_user", policy_arns: READ_ONLY, permissions_boundary_arn: READ_ONLY });
  const user = await request("GET", "watched/creds/bound");
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: user.body["lease_id"], sync: true })).status, 204);
  proxy.close();
  assert.equal(asked.find((one) => one.get("Action") === "CreateUser")?.get("PermissionsBoundary"), READ_ONLY);
  const sent = asked.find((one) => one.get("Action") === "AssumeRole");
  const members = (prefix: string) => [...sent!].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
  assert.deepEqual([sent!.get("Action"), sent!.get("RoleArn"), sent!.get("ExternalId"), sent!.get("DurationSeconds")], ["AssumeRole", Role!.Arn, "shared", "3600"]);
  assert.deepEqual(members("Tags.member").sort(), ["a", "b", "cost", "team"]);
  assert.deepEqual(JSON.parse(sent!.get("Policy")!), POLICY);
  assert.deepEqual(members("PolicyArns.member"), [READ_ONLY]);
});

test("federation and session tokens come from STS", options, async () => {
  const { request, iam } = bench;
  await request("POST", "aws/roles/fed", { credential_type: "federation_token", policy_document: JSON.stringify(POLICY) });
  const fed = await request("GET", "aws/sts/fed", undefined, { query: { ttl: "900" } });
  assert.equal(fed.status, 200);
  assert.deepEqual([fed.body["data"].ttl, fed.body["renewable"]], [900, false]);
  await iam.createGroup({ GroupName: "bounds" });
  await iam.putGroupPolicy({ GroupName: "bounds", PolicyName: "p", PolicyDocument: JSON.stringify(POLICY) });
  await request("POST", "aws/roles/grouped", { credential_type: "federation_token", iam_groups: "bounds" });
  assert.equal((await request("GET", "aws/creds/grouped")).status, 200);
  await request("POST", "aws/roles/unbounded", { credential_type: "federation_token" });
  assert.match((await request("GET", "aws/creds/unbounded")).body.errors![0]!, /at least one of policy_arns or policy_document/);
  await request("POST", "aws/roles/session", { credential_type: "session_token" });
  const session = await request("GET", "aws/creds/session");
  assert.ok(session.body["data"].session_token.length > 10);
  assert.equal(session.body["lease_duration"], 3600);
});

test("who may not, and what there is not", options, async () => {
  const { request, tokenWith } = bench;
  await request("POST", "aws/roles/user", { credential_type: "iam_user", policy_arns: READ_ONLY });
  assert.match((await request("GET", "aws/creds/none")).body.errors![0]!, /Role 'none' not found/);
  assert.equal((await request("GET", "aws/sts/user")).status, 400);
  const token = await tokenWith('path "aws/creds/user" { capabilities = ["read"] }');
  assert.equal((await request("GET", "aws/creds/s3", undefined, { token })).status, 403);
  const { body } = await request("GET", "aws/creds/user", undefined, { token });
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: body["lease_id"], sync: true })).status, 204);
});

test("AWS that cannot be reached is a 502 and leaves nothing", options, async () => {
  const { request } = bench;
  await request("POST", "sys/mounts/far", { type: "aws" });
  await request("POST", "far/config/root", { access_key: "a", secret_key: "very-secret", iam_endpoint: "http://127.0.0.1:1", sts_endpoint: "http://127.0.0.1:1", max_retries: 0 });
  await request("POST", "far/roles/s3", { credential_type: "session_token" });
  const { status, text } = await request("GET", "far/creds/s3");
  assert.equal(status, 502);
  assert.ok(!text.includes("very-secret"));
});

test("where STS cannot be reached, those that it falls back to are tried", options, async () => {
  const { request, moto } = bench;
  await request("POST", "sys/mounts/fallback", { type: "aws" });
  const root = { access_key: "a", secret_key: "b", sts_endpoint: "http://127.0.0.1:1", sts_region: "us-east-1", max_retries: 0 };
  await request("POST", "fallback/roles/s3", { credential_type: "session_token" });
  await request("POST", "fallback/config/root", { ...root, sts_fallback_endpoints: `http://127.0.0.1:2,${moto.endpoint}`, sts_fallback_regions: "us-west-1,us-east-1" });
  assert.equal((await request("GET", "fallback/creds/s3")).status, 200);
  await request("POST", "fallback/config/root", { ...root, sts_fallback_endpoints: "http://127.0.0.1:2", sts_fallback_regions: "us-west-1" });
  assert.equal((await request("GET", "fallback/creds/s3")).status, 502);
});

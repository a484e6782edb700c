import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { motoProgram } from "@coffer/counterparts";
import { createAwsBench } from "../testing/aws-bench.js";
import type { AwsBench } from "../testing/aws-bench.js";
import { loginFields, signLogin } from "../testing/aws-login.js";
import type { LoginCredentials } from "../testing/aws-login.js";

const options = { skip: motoProgram() === undefined && "moto is not installed" };
const SERVER = "vault.internal.company.com";
let bench: AwsBench;
let app: LoginCredentials;
let appArn: string;

before(async () => {
  if (motoProgram() === undefined) return;
  bench = await createAwsBench();
  const { moto, iam, request, mount } = bench;
  await mount("auth/aws", "aws");
  await request("POST", "sys/policies/acl/app-policy", { policy: 'path "secret/*" { capabilities = ["read"] }' });
  await request("POST", "auth/aws/config/client", { access_key: "AKIAADMIN", secret_key: "admin-secret", region: "us-east-1", iam_server_id_header_value: SERVER, iam_endpoint: moto.endpoint, sts_endpoint: moto.endpoint, endpoint: moto.endpoint, max_retries: 0 });
  const { User } = await iam.createUser({ UserName: "app", Path: "/apps/" });
  appArn = User!.Arn!;
  const { AccessKey } = await iam.createAccessKey({ UserName: "app" });
  app = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
});
after(async () => bench?.end());

const login = async (fields: Record<string, unknown>) => bench.request("POST", "auth/aws/login", fields, { token: "" });
const signed = (credentials = app, serverId: string | undefined = SERVER) => signLogin(bench.moto.endpoint, credentials, serverId);

async function assumed(roleName: string, session: string): Promise<LoginCredentials> {
  const sts = bench.stsAs("AKIAADMIN", "admin-secret");
  const { Credentials } = await sts.assumeRole({ RoleArn: `arn:aws:iam::123456789012:role/${roleName}`, RoleSessionName: session });
  return { accessKeyId: Credentials!.AccessKeyId!, secretAccessKey: Credentials!.SecretAccessKey!, sessionToken: Credentials!.SessionToken! };
}

test("a user of IAM logs in by a signed request, and gets what the role says", options, async () => {
  const { request } = bench;
  assert.equal((await request("POST", "auth/aws/role/App", { auth_type: "iam", bound_iam_principal_arn: appArn, policies: "app-policy", ttl: "1h", max_ttl: "24h" })).status, 204);
  const index = bench.store.index();
  const { status, body } = await login(loginFields(await signed(), "app"));
  assert.equal(bench.store.index(), index + 1, "token, entity and alias are one entry");
  assert.equal(status, 200);
  const auth = body["auth"];
  assert.deepEqual([auth.policies, auth.lease_duration, auth.renewable], [["app-policy", "default"], 3600, true]);
  const { role_id, ...metadata } = auth.metadata;
  assert.deepEqual(metadata, { account_id: "123456789012", auth_type: "iam" });
  assert.equal(role_id, (await request("GET", "auth/aws/role/app")).body["data"].role_id);
  assert.match((await request("GET", "auth/token/lookup-self", undefined, { token: auth.client_token })).body["data"].display_name, /app$/);
  assert.equal((await request("POST", "auth/token/renew-self", {}, { token: auth.client_token })).status, 200);
});

test("headers are taken as JSON and as lists too, and without a role the principal's name is it", options, async () => {
  const request = await signed();
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, [value]]));
  const { role: _none, ...fields } = loginFields(request, "");
  assert.equal((await login({ ...fields, iam_request_headers: headers })).status, 200);
  assert.equal((await login({ ...fields, iam_request_headers: JSON.stringify(headers) })).status, 200);
  const { Host: _host, host: __host, ...withoutHost } = request.headers;
  assert.equal((await login({ ...fields, iam_request_headers: withoutHost })).status, 200);
});

test("an assumed role logs in by its canonical ARN, by id, and by a wildcard over its path", options, async () => {
  const { iam, request } = bench;
  await iam.createRole({ RoleName: "AppServerRole", Path: "/servers/", AssumeRolePolicyDocument: "{}" });
  const credentials = await assumed("servers/AppServerRole", "session-1");
  const bind = (name: string, arn: string, resolve = true) => request("POST", `auth/aws/role/${name}`, { bound_iam_principal_arn: arn, resolve_aws_unique_ids: resolve, token_policies: "p" });
  const canonical = "arn:aws:iam::123456789012:role/AppServerRole";
  assert.equal((await bind("by-id", canonical)).status, 204);
  assert.equal((await request("GET", "auth/aws/role/by-id")).body["data"].bound_iam_principal_id.length, 1);
  assert.equal((await bind("by-name", canonical, false)).status, 204);
  assert.equal((await bind("by-path", "arn:aws:iam::123456789012:role/servers/*")).status, 204);
  assert.equal((await bind("by-other-path", "arn:aws:iam::123456789012:role/apps/*")).status, 204);
  for (const role of ["by-id", "by-name", "by-path"]) assert.equal((await login(loginFields(await signed(credentials), role))).status, 200, role);
  assert.equal((await login(loginFields(await signed(credentials), "by-other-path"))).status, 400);
  assert.equal((await login(loginFields(await signed(), "by-id"))).status, 400);
});

test("a principal that is made anew under a bound name is another one", options, async () => {
  const { iam, request } = bench;
  await iam.createRole({ RoleName: "Passing", AssumeRolePolicyDocument: "{}" });
  const first = await assumed("Passing", "s");
  await request("POST", "auth/aws/role/passing", { bound_iam_principal_arn: "arn:aws:iam::123456789012:role/Passing" });
  const { body } = await login(loginFields(await signed(first), "passing"));
  assert.equal(body["auth"].metadata.account_id, "123456789012");
  await iam.deleteRole({ RoleName: "Passing" });
  await iam.createRole({ RoleName: "Passing", AssumeRolePolicyDocument: "{}" });
  assert.equal((await login(loginFields(await signed(await assumed("Passing", "s")), "passing"))).status, 400);
});

test("a token is renewed only while its role is the same and still wants the principal", options, async () => {
  const { request } = bench;
  const write = (arn: string) => request("POST", "auth/aws/role/fading", { bound_iam_principal_arn: arn, token_ttl: 600 });
  await write(appArn);
  const { client_token: token } = (await login(loginFields(await signed(), "fading"))).body["auth"];
  const renew = async () => (await request("POST", "auth/token/renew-self", {}, { token })).status;
  assert.equal(await renew(), 200);
  await write("arn:aws:iam::123456789012:user/coffer");
  assert.equal(await renew(), 400);
  await write(appArn);
  assert.equal(await renew(), 200);
  await request("DELETE", "auth/aws/role/fading");
  assert.equal(await renew(), 400);
  await write(appArn);
  assert.equal(await renew(), 400);
});

test("alias and metadata are as config/identity says", options, async () => {
  const { request } = bench;
  assert.deepEqual((await request("GET", "auth/aws/config/identity")).body["data"], { iam_alias: "role_id", iam_metadata: ["account_id", "auth_type"], ec2_alias: "role_id", ec2_metadata: ["account_id", "auth_type"] });
  for (const wrong of [{ iam_alias: "name" }, { ec2_alias: "unique_id" }, { iam_metadata: "secret_key" }, { ec2_metadata: ["canonical_arn"] }]) assert.equal((await request("POST", "auth/aws/config/identity", wrong)).status, 400);
  await request("POST", "auth/aws/config/identity", { iam_alias: "full_arn", iam_metadata: "default,canonical_arn,client_user_id" });
  const { body } = await login(loginFields(await signed(), "app"));
  assert.equal(body["auth"].metadata.canonical_arn, "arn:aws:iam::123456789012:user/app");
  assert.match(body["auth"].metadata.client_user_id, /^\w{16,}$/);
});

test("an instance is inferred from the name of its session, and held to the role's bounds", options, async () => {
  const { EC2 } = await import("@aws-sdk/client-ec2");
  const { iam, request, moto } = bench;
  const ec2 = new EC2({ endpoint: moto.endpoint, region: "us-east-1", credentials: { accessKeyId: "AKIAADMIN", secretAccessKey: "x" } });
  await iam.createRole({ RoleName: "Instances", AssumeRolePolicyDocument: "{}" });
  await iam.createInstanceProfile({ InstanceProfileName: "web" });
  await iam.addRoleToInstanceProfile({ InstanceProfileName: "web", RoleName: "Instances" });
  const { Images } = await ec2.describeImages({});
  const ImageId = Images![0]!.ImageId!;
  const { Instances } = await ec2.runInstances({ ImageId, MinCount: 1, MaxCount: 1, IamInstanceProfile: { Name: "web" } });
  const { InstanceId, VpcId, SubnetId } = Instances![0]!;
  const inferred = { inferred_entity_type: "ec2_instance", inferred_aws_region: "us-east-1" };
  const bounds = { bound_ami_id: ImageId, bound_vpc_id: VpcId, bound_subnet_id: SubnetId, bound_ec2_instance_id: InstanceId, bound_region: "us-east-1", bound_account_id: "123456789012", bound_iam_instance_profile_arn: "arn:aws:iam::123456789012:instance-profile/w*", bound_iam_role_arn: "arn:aws:iam::123456789012:role/Instances" };
  assert.equal((await request("POST", "auth/aws/role/web", { ...inferred, ...bounds })).status, 204);
  const credentials = await assumed("Instances", InstanceId!);
  assert.equal((await login(loginFields(await signed(credentials), "web"))).status, 200);
  const others = { bound_ami_id: "ami-other", bound_vpc_id: "vpc-other", bound_subnet_id: "subnet-other", bound_ec2_instance_id: "i-other", bound_region: "eu-west-1", bound_account_id: "1", bound_iam_instance_profile_arn: "arn:aws:iam::123456789012:instance-profile/x", bound_iam_role_arn: "arn:aws:iam::123456789012:role/x" };
  for (const [name, other] of Object.entries(others)) {
    await request("POST", "auth/aws/role/web", { ...bounds, [name]: other });
    assert.equal((await login(loginFields(await signed(credentials), "web"))).status, 400, name);
  }
  await request("POST", "auth/aws/role/web", bounds);
  assert.equal((await login(loginFields(await signed(await assumed("Instances", "i-0123456789abcdef0")), "web"))).status, 400);
  assert.equal((await login(loginFields(await signed(await assumed("Instances", "me")), "web"))).status, 400);
  await ec2.stopInstances({ InstanceIds: [InstanceId!] });
  assert.equal((await login(loginFields(await signed(credentials), "web"))).status, 400);
  ec2.destroy();
});

test("principals of another account are asked about through its role", options, async () => {
  const { request } = bench;
  assert.equal((await request("POST", "auth/aws/config/sts/123456789012", { sts_role: "x" })).status, 400);
  assert.equal((await request("POST", "auth/aws/config/sts/123456789012", {})).status, 400);
  assert.equal((await request("POST", "auth/aws/config/sts/123456789012", { sts_role: "arn:aws:iam::123456789012:role/Asker", external_id: "e" })).status, 204);
  assert.deepEqual((await request("GET", "auth/aws/config/sts/123456789012")).body["data"], { sts_role: "arn:aws:iam::123456789012:role/Asker", external_id: "e" });
  assert.deepEqual((await request("LIST", "auth/aws/config/sts")).body["data"], { keys: ["123456789012"] });
  await request("POST", "auth/aws/role/across", { bound_iam_principal_arn: "arn:aws:iam::123456789012:user/apps/*" });
  assert.equal((await login(loginFields(await signed(), "across"))).status, 200);
  assert.equal((await request("DELETE", "auth/aws/config/sts/123456789012")).status, 204);
});

test("the method's own key is rotated, and the old one removed when the new one is stored", options, async () => {
  const { request, mount, moto, iam, clock, doDueWork } = bench;
  await mount("auth/rotating", "aws");
  await iam.createUser({ UserName: "lookup" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "lookup" });
  await request("POST", "auth/rotating/config/client", { access_key: AccessKey!.AccessKeyId, secret_key: AccessKey!.SecretAccessKey, iam_endpoint: moto.endpoint });
  const { status, body } = await request("POST", "auth/rotating/config/rotate-root");
  assert.equal(status, 200);
  clock.advance(2);
  await doDueWork();
  assert.deepEqual((await iam.listAccessKeys({ UserName: "lookup" })).AccessKeyMetadata!.map((one) => one.AccessKeyId), [body["data"].access_key]);
});

test("the method's own key is rotated by itself, by period or schedule", options, async () => {
  const { request, mount, moto, iam, clock, doDueWork, logged } = bench;
  await mount("auth/turning", "aws");
  const path = "auth/turning/config/client";
  await iam.createUser({ UserName: "turning-auth" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "turning-auth" });
  const keys = async () => ((await iam.listAccessKeys({ UserName: "turning-auth" })).AccessKeyMetadata ?? []).map((one) => one.AccessKeyId!);
  const read = async () => (await request("GET", path)).body;
  const key = { access_key: AccessKey!.AccessKeyId!, secret_key: AccessKey!.SecretAccessKey! };
  assert.match((await request("POST", path, { rotation_period: 60 })).body.errors![0]!, /need an access_key/);
  assert.equal((await request("GET", path)).status, 404);
  assert.equal((await request("POST", path, { ...key, iam_endpoint: moto.endpoint, max_retries: 0, rotation_schedule: "0 * * * *", rotation_window: 3600 })).status, 204);
  clock.advance(3600);
  await doDueWork();
  const second = (await read())["data"].access_key as string;
  assert.notEqual(second, key.access_key);
  clock.advance(2);
  await doDueWork();
  assert.deepEqual(await keys(), [second]);
  // A write leaves alone what it does not name: a period takes the schedule's place, the rest stays.
  assert.equal((await request("POST", path, { rotation_period: 600 })).status, 204);
  const { access_key, rotation_period, rotation_schedule, rotation_window, disable_automated_rotation } = (await read())["data"];
  assert.deepEqual([access_key, rotation_period, rotation_schedule, rotation_window, disable_automated_rotation], [second, 600, "", 0, false]);
  await request("POST", path, { disable_automated_rotation: true });
  clock.advance(7200);
  await doDueWork();
  assert.equal((await read())["data"].access_key, second);
  // A key that AWS refuses to replace stays, and it is tried again.
  await request("POST", path, { disable_automated_rotation: false });
  const { AccessKey: full } = await iam.createAccessKey({ UserName: "turning-auth" });
  clock.advance(600);
  await doDueWork();
  assert.match((await read()).warnings![0]!, /rotate the access key failed.*LimitExceeded/);
  assert.equal(logged.filter((line) => line.mount === "turning/").length, 1);
  await iam.deleteAccessKey({ UserName: "turning-auth", AccessKeyId: full!.AccessKeyId! });
  clock.advance(10);
  await doDueWork();
  const answer = await read();
  assert.deepEqual([answer["data"].access_key === second, answer.warnings], [false, null]);
  assert.equal((await request("DELETE", path)).status, 204);
  clock.advance(7200);
  await doDueWork();
});

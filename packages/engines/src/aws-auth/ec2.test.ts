import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EC2 } from "@aws-sdk/client-ec2";
import { motoProgram } from "@coffer/counterparts";
import { createAwsBench } from "../testing/aws-bench.js";
import type { AwsBench } from "../testing/aws-bench.js";
import { createDocumentSigner, identityDocument } from "../testing/identity-documents.js";

const options = { skip: motoProgram() === undefined && "moto is not installed" };
const signer = createDocumentSigner("rsa");
const dsa = createDocumentSigner("dsa");
let bench: AwsBench;
let ec2: EC2;
let imageId: string;

before(async () => {
  if (motoProgram() === undefined) return;
  bench = await createAwsBench();
  const { moto, request, mount } = bench;
  await mount("auth/aws", "aws");
  await request("POST", "auth/aws/config/client", { access_key: "AKIAADMIN", secret_key: "admin", endpoint: moto.endpoint, iam_endpoint: moto.endpoint, sts_endpoint: moto.endpoint, max_retries: 0 });
  await request("POST", "auth/aws/config/certificate/test", { aws_public_cert: signer.certificate });
  await request("POST", "auth/aws/config/certificate/test-dsa", { aws_public_cert: Buffer.from(dsa.certificate).toString("base64") });
  await request("POST", "auth/aws/config/certificate/test-identity", { aws_public_cert: signer.certificate, type: "identity" });
  const { EC2: Client } = await import("@aws-sdk/client-ec2");
  ec2 = new Client({ endpoint: moto.endpoint, region: "us-east-1", credentials: { accessKeyId: "AKIAADMIN", secretAccessKey: "x" } });
  imageId = (await ec2.describeImages({})).Images![0]!.ImageId!;
});
after(async () => {
  ec2?.destroy();
  signer.end();
  dsa.end();
  await bench?.end();
});

async function start(tags: Record<string, string> = {}): Promise<string> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { Instances } = await ec2.runInstances({ ImageId: imageId, MinCount: 1, MaxCount: 1, ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: "instance", Tags }] }) });
  return Instances![0]!.InstanceId!;
}
const document = (instanceId: string, pendingTime = "2026-01-02T03:04:05Z") => identityDocument({ instanceId, imageId, pendingTime });
const role = (name: string, fields: Record<string, unknown> = {}) => bench.request("POST", `auth/aws/role/${name}`, { auth_type: "ec2", bound_ami_id: imageId, token_policies: "app,web", ...fields });
const login = (fields: Record<string, unknown>) => bench.request("POST", "auth/aws/login", fields, { token: "" });
const loginAs = (name: string, instance: string, more: Record<string, unknown> = {}, pendingTime?: string) => login({ role: name, pkcs7: signer.pkcs7(document(instance, pendingTime)), ...more });
const errorOf = ({ body }: Awaited<ReturnType<typeof login>>) => String(body.errors?.[0]);

test("an instance logs in by PKCS#7, RSA or DSA, and by document and signature", options, async () => {
  assert.equal((await role("web", { token_ttl: 600, token_max_ttl: 3600 })).status, 204);
  const first = await start();
  const index = bench.store.index();
  const { status, body } = await loginAs("Web", first);
  assert.equal(bench.store.index(), index + 1, "token, entity, alias and the entry of the access list are one entry");
  assert.equal(status, 200);
  const auth = body["auth"];
  assert.deepEqual([auth.token_policies, auth.lease_duration, auth.renewable], [["app", "default", "web"], 600, true]);
  const { nonce, ...metadata } = auth.metadata;
  assert.match(nonce, /^[0-9a-f-]{36}$/);
  assert.deepEqual(metadata, { role: "web", role_tag_max_ttl: "0s", account_id: "123456789012", auth_type: "ec2" });
  const second = await start();
  assert.equal((await login({ role: "web", pkcs7: dsa.pkcs7(document(second)) })).status, 200);
  const third = document(await start());
  const signature = signer.signature(third);
  assert.equal((await login({ role: "web", identity: Buffer.from(third).toString("base64"), signature })).status, 200);
  assert.equal((await login({ role: "web", identity: Buffer.from(`${third} `).toString("base64"), signature })).status, 400);
  const keys = (await bench.request("LIST", "auth/aws/identity-accesslist")).body["data"].keys;
  assert.ok(keys.includes(first) && keys.includes(second));
  assert.deepEqual((await bench.request("LIST", "auth/aws/identity-whitelist")).body["data"].keys, keys);
});

test("without a role the AMI is its name", options, async () => {
  await role(imageId);
  assert.equal((await login({ pkcs7: signer.pkcs7(document(await start())) })).status, 200);
});

test("who comes again shows the nonce of the first login, and no older document", options, async () => {
  await role("again");
  const instance = await start();
  const { body } = await loginAs("again", instance);
  const { nonce } = body["auth"].metadata;
  assert.equal(errorOf(await loginAs("again", instance)), "client nonce mismatch");
  assert.equal(errorOf(await loginAs("again", instance, { nonce: "other" })), "client nonce mismatch");
  const same = await loginAs("again", instance, { nonce });
  assert.equal(same.status, 200);
  assert.equal(same.body["auth"].metadata.nonce, undefined, "it was not made here");
  assert.equal(errorOf(await loginAs("again", instance, { nonce }, "2025-12-31T00:00:00Z")), "instance meta-data is older than the one used for previous login");
  const entry = (await bench.request("GET", `auth/aws/identity-accesslist/${instance}`)).body["data"];
  assert.deepEqual([entry.role, entry.client_nonce, entry.pending_time, entry.disallow_reauthentication], ["again", nonce, "2026-01-02T03:04:05Z", false]);
  assert.equal((await bench.request("DELETE", `auth/aws/identity-whitelist/${instance}`)).status, 204);
  assert.equal((await loginAs("again", instance, { nonce: "mine" })).status, 200);
  assert.equal((await loginAs("again", instance, { nonce: "x".repeat(129) })).status, 400);
});

test("an instance that was started anew may come without its nonce, where the role allows it", options, async () => {
  await role("moving", { allow_instance_migration: true });
  const instance = await start();
  await loginAs("moving", instance, { nonce: "one" });
  assert.equal(errorOf(await loginAs("moving", instance, { nonce: "two" })), "client nonce mismatch and instance meta-data incorrect");
  assert.equal((await loginAs("moving", instance, { nonce: "two" }, "2026-02-01T00:00:00Z")).status, 200);
  assert.equal((await loginAs("moving", instance, { nonce: "two" }, "2026-02-01T00:00:00Z")).status, 200);
  assert.equal((await loginAs("moving", instance, { nonce: "one" }, "2026-02-01T00:00:00Z")).status, 400);
});

test("reauthentication is turned off by the role, or by an empty nonce, for good", options, async () => {
  await role("once", { disallow_reauthentication: true });
  const instance = await start();
  assert.equal((await loginAs("once", instance, { nonce: "n" })).status, 200);
  for (const nonce of ["n", "", "reauthentication-disabled-nonce", undefined]) assert.equal(errorOf(await loginAs("once", instance, { nonce })), "reauthentication is disabled");
  await role("once", { disallow_reauthentication: false });
  assert.equal(errorOf(await loginAs("once", instance, { nonce: "n" })), "reauthentication is disabled");
  const other = await start();
  const { body } = await loginAs("once", other, { nonce: "" });
  assert.equal(body["auth"].metadata.nonce, undefined);
  assert.equal(errorOf(await loginAs("once", other, { nonce: "" })), "reauthentication is disabled");
});

test("two first logins at once: one of them is the first", options, async () => {
  await role("race");
  const instance = await start();
  const answers = await Promise.all(["a", "b", "c"].map((nonce) => loginAs("race", instance, { nonce })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400]);
});

test("the instance is held to the role's bounds, at login and at renewal", options, async () => {
  const instance = await start();
  const { Reservations } = await ec2.describeInstances({ InstanceIds: [instance] });
  const { VpcId, SubnetId } = Reservations![0]!.Instances![0]!;
  const bounds = { bound_vpc_id: VpcId, bound_subnet_id: SubnetId, bound_region: "us-east-1", bound_account_id: "123456789012", bound_ec2_instance_id: instance };
  await role("bound", bounds);
  const { body } = await loginAs("bound", instance, { nonce: "n" });
  const renew = async () => (await bench.request("POST", "auth/token/renew-self", {}, { token: body["auth"].client_token })).status;
  assert.equal(await renew(), 200);
  for (const [name, other] of Object.entries({ bound_ami_id: "ami-1", bound_vpc_id: "vpc-1", bound_subnet_id: "subnet-1", bound_region: "eu-west-1", bound_account_id: "1", bound_ec2_instance_id: "i-00000000", bound_iam_instance_profile_arn: "arn:aws:iam::123456789012:instance-profile/x", bound_iam_role_arn: "arn:aws:iam::123456789012:role/x" })) {
    await role("bound", { ...bounds, [name]: other });
    assert.match(errorOf(await loginAs("bound", instance, { nonce: "n" })), /does not belong to the role/, name);
    assert.equal(await renew(), 400, name);
    await role("bound", { ...bounds, bound_iam_instance_profile_arn: "", bound_iam_role_arn: "" });
  }
  assert.equal(await renew(), 200);
  await ec2.stopInstances({ InstanceIds: [instance] });
  assert.equal(errorOf(await loginAs("bound", instance, { nonce: "n" })), "instance is not in 'running' state");
  assert.equal(await renew(), 400);
});

test("a role tag takes away from what the role gives, and can be denied", options, async () => {
  const { request } = bench;
  await role("tagged", { role_tag: "CofferRole", token_max_ttl: 7200 });
  assert.equal((await request("POST", "auth/aws/role/tagged/tag", { policies: "root" })).status, 400);
  const make = async (fields: Record<string, unknown>) => (await request("POST", "auth/aws/role/tagged/tag", fields)).body["data"];
  const { tag_key, tag_value } = await make({ policies: "app", max_ttl: "1h", disallow_reauthentication: true });
  assert.equal(tag_key, "CofferRole");
  assert.match(tag_value, /^v1:[^:]+:r=tagged:p=app:d=true:m=false:t=3600s:[A-Za-z0-9+/=]{44}$/);
  const instance = await start({ CofferRole: tag_value });
  const { body } = await loginAs("tagged", instance, { nonce: "n" });
  assert.deepEqual(body["auth"].token_policies, ["app", "default"]);
  assert.deepEqual([body["auth"].metadata.role_tag_max_ttl, body["auth"].lease_duration], ["3600s", 3600]);
  assert.equal(errorOf(await loginAs("tagged", instance, { nonce: "n" })), "reauthentication is disabled");

  assert.match(errorOf(await loginAs("tagged", await start())), /missing tag/);
  const forged = tag_value.replace("p=app", "p=web");
  for (const value of [forged, tag_value.replace(/:[^:]+$/, ""), "v1", "x", `${tag_value.slice(0, -4)}AAA=`]) assert.equal(errorOf(await loginAs("tagged", await start({ CofferRole: value }))), "role tag HMAC verification failed", value);
  await role("tagged-too", { role_tag: "CofferRole" });
  assert.equal(errorOf(await loginAs("tagged-too", await start({ CofferRole: tag_value }))), "role tag HMAC verification failed");
  const mine = await make({ instance_id: instance });
  assert.equal(errorOf(await loginAs("tagged", await start({ CofferRole: mine.tag_value }))), "role tag is being used by an unauthorized instance");

  const plain = (await make({})).tag_value as string;
  const base64 = Buffer.from(plain).toString("base64");
  assert.equal((await request("POST", "auth/aws/roletag-denylist/djE6eDpyPXRhZ2dlZDo=")).status, 400);
  assert.equal((await request("POST", `auth/aws/roletag-denylist/${base64}`)).status, 204);
  assert.deepEqual((await request("LIST", "auth/aws/roletag-blacklist")).body["data"].keys, [base64]);
  assert.match((await request("GET", `auth/aws/roletag-blacklist/${base64}`)).body["data"].expiration_time, /^\d{4}-/);
  const denied = await start({ CofferRole: plain });
  assert.equal(errorOf(await loginAs("tagged", denied)), "role tag is deny listed");
  await request("DELETE", `auth/aws/roletag-denylist/${base64}`);
  assert.equal((await loginAs("tagged", denied)).status, 200);
  await role("tagged", { role_tag: "CofferRole", token_policies: "web" });
  assert.equal((await loginAs("tagged", await start({ CofferRole: plain }))).status, 200);
  assert.match(errorOf(await loginAs("tagged", await start({ CofferRole: tag_value }))), /must be subset/);
});

test("forged, foreign, misdirected and strange documents are refused", options, async () => {
  await role("strict");
  const instance = await start();
  const stranger = createDocumentSigner();
  const good = signer.pkcs7(document(instance));
  const bad: Record<string, Record<string, unknown>> = {
    "another signer": { pkcs7: stranger.pkcs7(document(instance)) },
    "a bare signature's certificate": { pkcs7: "x" },
    "no signature": { identity: Buffer.from(document(instance)).toString("base64") },
    "another's signature": { identity: Buffer.from(document(instance)).toString("base64"), signature: stranger.signature(document(instance)) },
    "a signature without document": { signature: signer.signature(document(instance)) },
    "both kinds": { pkcs7: good, identity: "QQ==", signature: "QQ==" },
    "ec2 and iam": { pkcs7: good, iam_http_request_method: "POST" },
    "cut off": { pkcs7: good.slice(0, 400) },
    "too large": { pkcs7: "A".repeat(40_000) },
    "a list": { pkcs7: ["a"] },
    "a map": { pkcs7: { a: 1 } },
    "not JSON": { pkcs7: signer.pkcs7("hello") },
    "null": { pkcs7: signer.pkcs7("null") },
    "of other types": { pkcs7: signer.pkcs7(JSON.stringify({ instanceId: [instance], imageId, accountId: 123456789012, region: "us-east-1", pendingTime: 1 })) },
    "no time": { pkcs7: signer.pkcs7(identityDocument({ instanceId: instance, imageId, pendingTime: "soon" })) },
    "an unknown instance": { pkcs7: signer.pkcs7(document("i-0123456789abcdef0")) },
    "another account": { pkcs7: signer.pkcs7(identityDocument({ instanceId: instance, imageId, accountId: "999999999999" })) },
    "a region that is a host": { pkcs7: signer.pkcs7(identityDocument({ instanceId: instance, imageId, region: "evil.example/" })) },
  };
  const before = bench.store.index();
  for (const [what, fields] of Object.entries(bad)) assert.equal((await login({ role: "strict", ...fields })).status, 400, what);
  assert.equal(bench.store.index(), before, "nothing was written");
  stranger.end();
  assert.equal((await bench.request("GET", `auth/aws/identity-accesslist/${instance}`)).status, 404);
  await bench.request("POST", "auth/aws/role/of-iam", { bound_iam_principal_arn: "arn:aws:iam::123456789012:user/x", resolve_aws_unique_ids: false });
  assert.match(errorOf(await loginAs("of-iam", instance)), /auth method ec2 not allowed/);
});

test("what a role of type ec2 must and must not have", options, async () => {
  const { request } = bench;
  const write = async (fields: Record<string, unknown>) => (await request("POST", "auth/aws/role/odd", fields)).status;
  for (const fields of [
    { auth_type: "ec2" }, { auth_type: "ec3", bound_ami_id: "ami-1" }, { auth_type: "ec2", bound_ami_id: "ami-1", bound_iam_principal_arn: "arn:aws:iam::1:user/x" },
    { auth_type: "ec2", bound_ami_id: "ami-1", inferred_entity_type: "ec2_instance" }, { auth_type: "ec2", bound_ami_id: "ami-1", allow_instance_migration: true, disallow_reauthentication: true },
    { auth_type: "ec2", bound_ami_id: "ami-1", role_tag: "x".repeat(128) }, { bound_iam_principal_arn: "arn:aws:iam::1:user/x", role_tag: "t", resolve_aws_unique_ids: false },
  ]) assert.equal(await write(fields), 400, JSON.stringify(fields));
  assert.equal(await write({ auth_type: "ec2", bound_ami_id: "ami-1", role_tag: "t" }), 204);
  assert.equal(await write({ auth_type: "iam" }), 400);
  assert.equal(await write({ disallow_reauthentication: true }), 204);
  const shown = (await request("GET", "auth/aws/role/odd")).body["data"];
  assert.deepEqual([shown.auth_type, shown.role_tag, shown.disallow_reauthentication, shown.bound_ami_id, shown.hmac_key], ["ec2", "t", true, ["ami-1"], undefined]);
  for (const fields of [{}, { aws_public_cert: "x" }, { aws_public_cert: signer.certificate, type: "x" }]) assert.equal((await request("POST", "auth/aws/config/certificate/odd", fields)).status, 400);
  assert.deepEqual((await request("LIST", "auth/aws/config/certificates")).body["data"].keys, ["test", "test-dsa", "test-identity"]);
  assert.equal((await request("GET", "auth/aws/config/certificate/test")).body["data"].type, "pkcs7");
});

test("the alias of an instance is as config/identity says", options, async () => {
  const { request } = bench;
  await role("named");
  await request("POST", "auth/aws/config/identity", { ec2_alias: "instance_id", ec2_metadata: "default,instance_id,ami_id,region" });
  const instance = await start();
  const { body } = await loginAs("named", instance);
  assert.deepEqual([body["auth"].metadata.instance_id, body["auth"].metadata.ami_id, body["auth"].metadata.region], [instance, imageId, "us-east-1"]);
  const { data } = (await request("GET", `identity/entity/id/${body["auth"].entity_id}`)).body;
  assert.equal(data.aliases[0].name, instance);
  await request("POST", "auth/aws/config/identity", { ec2_alias: "role_id", ec2_metadata: "default" });
});

test("entries that have long ended are tidied, by themselves or when asked", options, async () => {
  const { request, clock, doDueWork } = bench;
  await role("fleeting");
  const instance = await start();
  await loginAs("fleeting", instance);
  assert.equal((await request("GET", "auth/aws/config/tidy/identity-accesslist")).status, 404);
  assert.equal((await request("POST", "auth/aws/config/tidy/identity-whitelist", { disable_periodic_tidy: true, safety_buffer: "1h" })).status, 204);
  assert.deepEqual((await request("GET", "auth/aws/config/tidy/identity-accesslist")).body["data"], { safety_buffer: 3600, disable_periodic_tidy: true });
  const there = async () => (await request("GET", `auth/aws/identity-accesslist/${instance}`)).status === 200;
  clock.advance(40 * 86_400);
  await doDueWork();
  assert.ok(await there());
  assert.equal((await request("POST", "auth/aws/tidy/identity-accesslist", { safety_buffer: "365d" })).status, 202);
  await doDueWork();
  assert.ok(await there());
  assert.equal((await request("POST", "auth/aws/tidy/identity-accesslist", { safety_buffer: 60 })).status, 202);
  await doDueWork();
  assert.ok(!(await there()));
  assert.equal((await request("DELETE", "auth/aws/config/tidy/identity-accesslist")).status, 204);
  await loginAs("fleeting", instance);
  clock.advance(36 * 86_400);
  await doDueWork();
  assert.ok(!(await there()));
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { motoProgram } from "@coffer/counterparts";
import { createAwsBench } from "../testing/aws-bench.js";
import type { AwsBench } from "../testing/aws-bench.js";
import { dieBeforeWriting } from "../testing/postgres-fixture.js";

const options = { skip: motoProgram() === undefined && "moto is not installed" };
let bench: AwsBench;

before(async () => {
  if (motoProgram() !== undefined) bench = await createAwsBench();
});
after(async () => bench?.end());

const keysOf = async (UserName: string) => ((await bench.iam.listAccessKeys({ UserName })).AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId!);

test("the root key is replaced first and removed afterwards", options, async () => {
  const { request, rootKey, clock, doDueWork } = bench;
  const { status, body } = await request("POST", "aws/config/rotate-root");
  assert.equal(status, 200);
  const fresh = body["data"].access_key as string;
  assert.notEqual(fresh, rootKey);
  assert.deepEqual(Object.keys(body["data"]), ["access_key"]);
  assert.equal((await request("GET", "aws/config/root")).body["data"].access_key, fresh);
  clock.advance(2);
  await doDueWork();
  assert.deepEqual(await keysOf("coffer"), [fresh]);
  await request("POST", "aws/roles/after", { credential_type: "session_token" });
  assert.equal((await request("GET", "aws/creds/after")).status, 200);
});

test("there is nothing to rotate without a configured key", options, async () => {
  const { request, mount } = bench;
  await mount("bare", "aws");
  assert.equal((await request("POST", "bare/config/rotate-root")).status, 400);
  await request("POST", "bare/config/root", { region: "us-east-1" });
  assert.match((await request("POST", "bare/config/rotate-root")).body.errors![0]!, /access_key or secret_key is empty/);
});

test("a static role hands out one key, changes it in time, and keeps the one before", options, async () => {
  const { request, iam, clock, doDueWork, stsAs } = bench;
  await iam.createUser({ UserName: "legacy-app" });
  await iam.createAccessKey({ UserName: "legacy-app" });
  await iam.createAccessKey({ UserName: "legacy-app" });
  const { status, body } = await request("POST", "aws/static-roles/app", { username: "legacy-app", rotation_period: "1h" });
  assert.equal(status, 200);
  assert.equal(body["data"].rotation_period, 3600);
  assert.deepEqual((await request("GET", "aws/static-roles/app")).body["data"], body["data"]);
  assert.deepEqual((await request("LIST", "aws/static-roles")).body["data"], { keys: ["app"] });
  const creds = async () => (await request("GET", "aws/static-creds/app")).body["data"] as { access_key: string; secret_key: string; ttl: number };
  const first = await creds();
  assert.match((await stsAs(first.access_key, first.secret_key).getCallerIdentity({})).Arn!, /user\/legacy-app$/);
  assert.equal(first.ttl, 3600);
  clock.advance(3599);
  await doDueWork();
  assert.equal((await creds()).access_key, first.access_key);
  clock.advance(2);
  await doDueWork();
  const second = await creds();
  assert.notEqual(second.access_key, first.access_key);
  assert.deepEqual((await keysOf("legacy-app")).sort(), [first.access_key, second.access_key].sort());
  assert.equal((await request("DELETE", "aws/static-roles/app")).status, 204);
  assert.deepEqual(await keysOf("legacy-app"), [first.access_key]);
  assert.equal((await request("GET", "aws/static-creds/app")).status, 404);
});

test("a rotation that AWS refuses is tried again later, and others go on", options, async () => {
  const { request, iam, clock, doDueWork } = bench;
  for (const name of ["lost", "kept"]) {
    await iam.createUser({ UserName: name });
    assert.equal((await request("POST", `aws/static-roles/${name}`, { username: name, rotation_period: 60 })).status, 200);
  }
  const key = async (name: string) => (await request("GET", `aws/static-creds/${name}`)).body["data"].access_key as string;
  const [lost, kept] = [await key("lost"), await key("kept")];
  await iam.deleteAccessKey({ UserName: "lost", AccessKeyId: lost });
  await iam.deleteUser({ UserName: "lost" });
  clock.advance(61);
  await doDueWork();
  assert.equal(await key("lost"), lost);
  assert.notEqual(await key("kept"), kept);
});

test("a user of another account is reached through a role of that account", options, async () => {
  const { request, iam, moto, clock, doDueWork, rootKey } = bench;
  const arn = "arn:aws:iam::222222222222:role/keys";
  // The emulator puts whoever assumes a role of another account into that account.
  const admin = new STS({ endpoint: moto.endpoint, region: "us-east-1", credentials: { accessKeyId: rootKey, secretAccessKey: "x" } });
  const { Credentials } = await admin.assumeRole({ RoleArn: arn, RoleSessionName: "admin" });
  const there = new IAM({ endpoint: moto.endpoint, region: "us-east-1", credentials: { accessKeyId: Credentials!.AccessKeyId!, secretAccessKey: Credentials!.SecretAccessKey!, sessionToken: Credentials!.SessionToken! } });
  const { User } = await there.createUser({ UserName: "abroad" });
  const keysThere = async () => ((await there.listAccessKeys({ UserName: "abroad" })).AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId!);
  assert.match(User!.Arn!, /:222222222222:/);
  const account = { assume_role_arn: arn, assume_role_session_name: "coffer", external_id: "shared" };
  for (const wrong of [{ assume_role_arn: arn }, { assume_role_session_name: "coffer" }, { external_id: "shared" }, { ...account, assume_role_arn: "arn:aws:iam::222222222222:user/x" }, { ...account, assume_role_session_name: "a b" }, {}]) {
    assert.equal((await request("POST", "aws/static-roles/abroad", { username: "abroad", rotation_period: "1h", ...wrong })).status, 400, JSON.stringify(wrong));
  }
  assert.deepEqual(await keysThere(), []);
  const { status, body } = await request("POST", "aws/static-roles/abroad", { username: "abroad", rotation_period: "1h", ...account });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body["data"], { id: User!.UserId, name: "abroad", username: "abroad", rotation_period: 3600, ...account });
  assert.deepEqual((await request("GET", "aws/static-roles/abroad")).body["data"], body["data"]);
  const creds = async () => (await request("GET", "aws/static-creds/abroad")).body["data"].access_key as string;
  const first = await creds();
  assert.deepEqual(await keysThere(), [first]);
  await assert.rejects(iam.listAccessKeys({ UserName: "abroad" }));
  clock.advance(3600);
  await doDueWork();
  const second = await creds();
  assert.deepEqual((await keysThere()).sort(), [first, second].sort());
  // Another period counts from now.
  clock.advance(1000);
  assert.equal((await request("POST", "aws/static-roles/abroad", { rotation_period: "2h" })).body["data"].assume_role_arn, arn);
  assert.equal((await request("GET", "aws/static-creds/abroad")).body["data"].ttl, 7200);
  const mortal = dieBeforeWriting(bench, "/static-role/abroad");
  clock.advance(7200);
  void doDueWork();
  await mortal.dead;
  mortal.revive();
  for (let i = 0; i < 2; i++) {
    clock.advance(600);
    await doDueWork();
  }
  assert.equal((await keysThere()).length, 2);
  assert.ok((await keysThere()).includes(await creds()));
  const last = await creds();
  assert.equal((await request("DELETE", "aws/static-roles/abroad")).status, 204);
  assert.equal((await keysThere()).includes(last), false);
  there.destroy();
  admin.destroy();
});

test("static roles that cannot be are refused", options, async () => {
  const { request } = bench;
  for (const wrong of [{}, { username: "nobody", rotation_period: "1h" }, { username: "coffer" }, { username: "coffer", rotation_period: 59 }, { username: "coffer", rotation_period: "x" }, { rotation_period: "1h" }]) {
    assert.equal((await request("POST", "aws/static-roles/bad", wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.equal((await request("POST", "aws/static-roles/kept", { username: "coffer" })).status, 400);
  assert.equal((await request("GET", "aws/static-roles/bad")).status, 404);
  assert.equal((await request("GET", "aws/static-creds/bad")).status, 404);
});

test("the root key is rotated by itself, and the one before is removed", options, async () => {
  const { request, clock, doDueWork, moto, iam } = bench;
  const { AccessKey } = await iam.createUser({ UserName: "turning" }).then(() => iam.createAccessKey({ UserName: "turning" }));
  await request("POST", "sys/mounts/turning", { type: "aws" });
  const config = { access_key: AccessKey!.AccessKeyId!, secret_key: AccessKey!.SecretAccessKey!, region: "us-east-1", iam_endpoint: moto.endpoint, sts_endpoint: moto.endpoint, max_retries: 0 };
  const read = async () => (await request("GET", "turning/config/root")).body;
  assert.equal((await request("POST", "turning/config/root", { ...config, rotation_schedule: "0 * * * *", rotation_window: 3600 })).status, 204);
  const { rotation_period, rotation_schedule, rotation_window, disable_automated_rotation } = (await read())["data"];
  assert.deepEqual({ rotation_period, rotation_schedule, rotation_window, disable_automated_rotation }, { rotation_period: 0, rotation_schedule: "0 * * * *", rotation_window: 3600, disable_automated_rotation: false });
  clock.advance(3600);
  await doDueWork();
  const second = (await read())["data"].access_key as string;
  assert.notEqual(second, config.access_key);
  clock.advance(2);
  await doDueWork();
  assert.deepEqual(await keysOf("turning"), [second]);
  // A write sets what it does not name to its default, and so ends the rotation.
  assert.equal((await request("POST", "turning/config/root", { ...config, rotation_period: 600 })).status, 204);
  assert.equal((await request("POST", "turning/config/root", config)).status, 204);
  assert.equal((await read())["data"].rotation_period, 0);
  clock.advance(7200);
  await doDueWork();
  assert.equal((await read())["data"].access_key, config.access_key);
});

test("a rotation of the root key that AWS refuses is repeated, later each time", options, async () => {
  const { request, clock, doDueWork, moto, iam, logged } = bench;
  await iam.createUser({ UserName: "full" });
  const [key] = [await iam.createAccessKey({ UserName: "full" }), await iam.createAccessKey({ UserName: "full" })];
  await request("POST", "sys/mounts/full", { type: "aws" });
  await request("POST", "full/config/root", { access_key: key!.AccessKey!.AccessKeyId, secret_key: key!.AccessKey!.SecretAccessKey, iam_endpoint: moto.endpoint, max_retries: 0, rotation_period: 60 });
  const tries = () => logged.filter(({ mount }) => mount === "full/").length;
  clock.advance(60);
  await doDueWork();
  for (const [seconds, failures] of [[9, 1], [1, 2], [19, 2], [1, 3]] as const) {
    clock.advance(seconds);
    await doDueWork();
    assert.equal(tries(), failures);
  }
  assert.match((await request("GET", "full/config/root")).body.warnings![0]!, /LimitExceeded/);
  const other = (await keysOf("full")).find((id) => id !== key!.AccessKey!.AccessKeyId)!;
  await iam.deleteAccessKey({ UserName: "full", AccessKeyId: other });
  clock.advance(40);
  await doDueWork();
  const { body } = await request("GET", "full/config/root");
  assert.equal(body.warnings, null);
  assert.notEqual(body["data"].access_key, key!.AccessKey!.AccessKeyId);
  assert.equal((await request("DELETE", "sys/mounts/full")).status, 204);
});

test("a rotation of the root key that dies before it is stored leaves the old key in use, and no third one", options, async () => {
  const { request, clock, doDueWork, moto, iam } = bench;
  const { AccessKey } = await iam.createUser({ UserName: "mortal" }).then(() => iam.createAccessKey({ UserName: "mortal" }));
  await request("POST", "sys/mounts/mortal", { type: "aws" });
  await request("POST", "mortal/config/root", { access_key: AccessKey!.AccessKeyId, secret_key: AccessKey!.SecretAccessKey, iam_endpoint: moto.endpoint, max_retries: 0, rotation_period: "1h" });
  clock.advance(3600);
  const { dead, revive } = dieBeforeWriting(bench, "/config/root");
  void doDueWork();
  await dead;
  revive();
  assert.equal((await keysOf("mortal")).length, 2);
  for (let i = 0; i < 3; i++) {
    clock.advance(600);
    await doDueWork();
  }
  const now = (await request("GET", "mortal/config/root")).body["data"].access_key as string;
  assert.notEqual(now, AccessKey!.AccessKeyId);
  assert.deepEqual(await keysOf("mortal"), [now]);
});

test("rotations of the root key that cannot be are refused", options, async () => {
  const { request, mount } = bench;
  await mount("refusing", "aws");
  const key = { access_key: "AKIAX", secret_key: "x" };
  for (const [wrong, words] of [
    [{ rotation_period: 60 }, /need an access_key/],
    [{ ...key, rotation_period: 9 }, /10 seconds or more/],
    [{ ...key, rotation_period: 60, rotation_schedule: "* * * * *" }, /mutually exclusive/],
    [{ ...key, rotation_period: 60, rotation_window: 3600 }, /does not apply to period/],
    [{ ...key, rotation_window: 3600 }, /without rotation_schedule/],
    [{ ...key, rotation_schedule: "x" }, /could not parse rotation_schedule/],
  ] as const) {
    const { status, body } = await request("POST", "refusing/config/root", wrong);
    assert.equal(status, 400);
    assert.match(body.errors![0]!, words);
  }
  assert.equal((await request("GET", "refusing/config/root")).status, 404);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { motoProgram } from "@coffer/counterparts";
import { createAwsBench } from "../testing/aws-bench.js";
import type { AwsBench } from "../testing/aws-bench.js";

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

test("static roles that cannot be are refused", options, async () => {
  const { request } = bench;
  for (const wrong of [{}, { username: "nobody", rotation_period: "1h" }, { username: "coffer" }, { username: "coffer", rotation_period: 59 }, { username: "coffer", rotation_period: "x" }, { rotation_period: "1h" }]) {
    assert.equal((await request("POST", "aws/static-roles/bad", wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.equal((await request("POST", "aws/static-roles/kept", { username: "coffer" })).status, 400);
  assert.equal((await request("GET", "aws/static-roles/bad")).status, 404);
  assert.equal((await request("GET", "aws/static-creds/bad")).status, 404);
});

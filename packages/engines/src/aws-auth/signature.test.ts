import assert from "node:assert/strict";
import { after, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { motoProgram, startMoto } from "@coffer/counterparts";
import type { Moto } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import { loginFields, signLogin } from "../testing/aws-login.js";

/** Calls before the emulator begins to check signatures: those that make the user and its key. */
const UNCHECKED_CALLS = 4;
let moto: Moto | undefined;
after(async () => moto?.stop());

test("STS has the last word on a signature: what was changed after signing is no login", { skip: motoProgram() === undefined && "moto is not installed" }, async () => {
  moto = await startMoto({ INITIAL_NO_AUTH_ACTION_COUNT: String(UNCHECKED_CALLS) });
  const { endpoint } = moto;
  const iam = new IAM({ endpoint, region: "us-east-1", credentials: { accessKeyId: "AKIAADMIN", secretAccessKey: "admin" } });
  await iam.createUser({ UserName: "app" });
  await iam.putUserPolicy({ UserName: "app", PolicyName: "p", PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' });
  const { AccessKey } = await iam.createAccessKey({ UserName: "app" });
  await iam.listUsers({});
  iam.destroy();
  const { request, mount } = await createHarness();
  await mount("auth/aws", "aws");
  await request("POST", "auth/aws/config/client", { sts_endpoint: endpoint, max_retries: 0 });
  await request("POST", "auth/aws/role/app", { bound_iam_principal_arn: "arn:aws:iam::123456789012:user/app", resolve_aws_unique_ids: false });
  const login = async (fields: Record<string, unknown>) => (await request("POST", "auth/aws/login", fields, { token: "" })).status;
  const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
  const signed = await signLogin(endpoint, credentials);
  assert.equal(await login(loginFields(signed, "app")), 200);
  const authorization = signed.headers["authorization"]!;
  const last = authorization.at(-1) === "0" ? "1" : "0";
  const changed = { "x-amz-date": "20200101T000000Z", authorization: authorization.slice(0, -1) + last };
  for (const [name, value] of Object.entries(changed)) assert.equal(await login(loginFields({ ...signed, headers: { ...signed.headers, [name]: value } }, "app")), 400, name);
  assert.equal(await login(loginFields(await signLogin(endpoint, { ...credentials, secretAccessKey: "guessed" }), "app")), 400);
});

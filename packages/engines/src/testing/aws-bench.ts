import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { startMoto } from "@coffer/counterparts";
import type { Moto } from "@coffer/counterparts";
import { createHarness } from "./harness.js";
import type { Harness } from "./harness.js";

/** A service with the engine at `aws/`, configured for an emulator of AWS in which the engine is the IAM user `coffer`. */
export interface AwsBench extends Harness {
  readonly moto: Moto;
  readonly iam: IAM;
  readonly rootKey: string;
  /** ARN of a managed policy. */
  readonly managedPolicy: string;
  stsAs(accessKey: string, secretKey: string, sessionToken?: string): STS;
  users(): Promise<string[]>;
  end(): Promise<void>;
}

export async function createAwsBench(): Promise<AwsBench> {
  const moto = await startMoto();
  const region = "us-east-1";
  const iam = new IAM({ endpoint: moto.endpoint, region, credentials: { accessKeyId: "AKIAADMIN", secretAccessKey: "admin" } });
  await iam.createUser({ UserName: "coffer" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "coffer" });
  const { Policy } = await iam.createPolicy({ PolicyName: "read-only", PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}' });
  const harness = await createHarness();
  await harness.mount("aws", "aws");
  await harness.request("POST", "aws/config/root", { access_key: AccessKey!.AccessKeyId, secret_key: AccessKey!.SecretAccessKey, region, iam_endpoint: moto.endpoint, sts_endpoint: moto.endpoint, max_retries: 0 });
  return {
    ...harness,
    moto,
    iam,
    managedPolicy: Policy!.Arn!,
    rootKey: AccessKey!.AccessKeyId!,
    stsAs: (accessKeyId, secretAccessKey, sessionToken) => new STS({ endpoint: moto.endpoint, region, credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) } }),
    users: async () => ((await iam.listUsers({})).Users ?? []).flatMap(({ UserName }) => UserName ?? []),
    async end() {
      iam.destroy();
      await moto.stop();
    },
  };
}

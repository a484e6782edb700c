import type { EC2 } from "@aws-sdk/client-ec2";
import type { IAM } from "@aws-sdk/client-iam";
import type { STS } from "@aws-sdk/client-sts";

/** How AWS is reached, and as whom. An empty text is: as the SDK finds out (environment, profile, instance role). */
export interface AwsAccess {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly endpoint: string;
  /** How often a request is tried again; negative: as often as the SDK does by itself. */
  readonly maxRetries: number;
}

/** A request that AWS does not answer within these ends with an error; nobody waits for ever. */
const CONNECTION_MS = 5000;
const REQUEST_MS = 15_000;

function settings({ accessKey, secretKey, sessionToken, region, endpoint, maxRetries }: AwsAccess) {
  return {
    region: region || process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || "us-east-1",
    ...(endpoint !== "" && { endpoint }),
    ...(accessKey !== "" && { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey, ...(sessionToken !== undefined && { sessionToken }) } }),
    ...(maxRetries >= 0 && { maxAttempts: maxRetries + 1 }),
    requestHandler: { connectionTimeout: CONNECTION_MS, requestTimeout: REQUEST_MS },
  };
}

async function using<C extends { destroy(): void }, T>(client: C, work: (client: C) => Promise<T>): Promise<T> {
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

// The SDK is large: a node that never speaks to AWS never loads it.
export const withIam = async <T>(access: AwsAccess, work: (iam: IAM) => Promise<T>): Promise<T> => using(new (await import("@aws-sdk/client-iam")).IAM(settings(access)), work);
export const withSts = async <T>(access: AwsAccess, work: (sts: STS) => Promise<T>): Promise<T> => using(new (await import("@aws-sdk/client-sts")).STS(settings(access)), work);
export const withEc2 = async <T>(access: AwsAccess, work: (ec2: EC2) => Promise<T>): Promise<T> => using(new (await import("@aws-sdk/client-ec2")).EC2(settings(access)), work);

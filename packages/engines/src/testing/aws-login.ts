import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

export interface LoginCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignedLogin {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** sts:GetCallerIdentity as a client signs it for a login. */
export async function signLogin(endpoint: string, credentials: LoginCredentials, serverId?: string, more: Readonly<Record<string, string>> = {}): Promise<SignedLogin> {
  const url = new URL(endpoint);
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const signer = new SignatureV4({ credentials, region: "us-east-1", service: "sts", sha256: Sha256 });
  const { headers } = await signer.sign({
    method: "POST",
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== "" && { port: Number(url.port) }),
    path: "/",
    query: {},
    headers: { host: url.host, "content-type": "application/x-www-form-urlencoded; charset=utf-8", ...(serverId !== undefined && { "X-Vault-AWS-IAM-Server-ID": serverId }), ...more },
    body,
  });
  return { url: `${url.origin}/`, body, headers };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** The fields of a login. */
export function loginFields({ url, body, headers }: SignedLogin, role: string): Record<string, unknown> {
  return { role, iam_http_request_method: "POST", iam_request_url: base64(url), iam_request_body: base64(body), iam_request_headers: base64(JSON.stringify(headers)) };
}

import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import type { LoginMethod } from "./method.js";

const DEFAULT_REGION = "us-east-1";
const SERVER_ID_HEADER = "X-Vault-AWS-IAM-Server-ID";

/** A request as AWS's SDK would send it. */
interface SentRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/**
 * sts:GetCallerIdentity, signed by AWS's SDK with the credentials that it finds (environment, profile, SSO, instance role) and
 * not sent: the server sends it.
 */
async function signedRequest(config: Readonly<Record<string, string>>): Promise<SentRequest> {
  // A note on versions of Node to come is not for who logs in.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const { STS } = await import("@aws-sdk/client-sts");
  const { region = "", header_value: serverId = "", aws_access_key_id: accessKeyId = "", aws_secret_access_key: secretAccessKey = "", aws_security_token: sessionToken = "" } = config;
  let sent: SentRequest | undefined;
  const isEndpointSet = (process.env["AWS_ENDPOINT_URL_STS"] ?? process.env["AWS_ENDPOINT_URL"] ?? "") !== "";
  const sts = new STS({
    region: region || DEFAULT_REGION,
    // A server asks STS at its global name unless it is told otherwise.
    ...(region === "" && !isEndpointSet && { endpoint: "https://sts.amazonaws.com" }),
    ...(accessKeyId !== "" && { credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== "" && { sessionToken }) } }),
    maxAttempts: 1,
    requestHandler: {
      handle: (request: SentRequest) => {
        sent = request;
        return Promise.reject(new Error("the server sends this request"));
      },
    },
  });
  sts.middlewareStack.add(
    (next) => (args) => {
      if (serverId !== "") (args.request as { headers: Record<string, string> }).headers[SERVER_ID_HEADER] = serverId;
      return next(args);
    },
    { step: "build", name: "serverId" },
  );
  const failure = await sts.getCallerIdentity({}).then(
    () => undefined,
    (error: unknown) => error,
  );
  sts.destroy();
  if (sent === undefined) throw new Failure(`Error authenticating: could not sign with AWS credentials: ${failure instanceof Error ? failure.message : "unknown error"}`, 2);
  return sent;
}

export const awsLogin: LoginMethod = {
  help:
    "Usage: coffer login -method=aws [role=NAME] [header_value=SERVER_ID] [region=REGION]\n\n" +
    "  Logs in with the credentials of AWS that its SDK finds: environment, profile,\n  SSO, container or instance role. aws_access_key_id, aws_secret_access_key and\n  aws_security_token name others. header_value is what the server's\n  iam_server_id_header_value asks for; region is that of STS.",
  login: async (context, client, config) => {
    const { protocol, hostname, port, path, headers, body } = await signedRequest(config);
    const fields = {
      role: config["role"] ?? "",
      iam_http_request_method: "POST",
      iam_request_url: base64(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`),
      iam_request_body: base64(typeof body === "string" ? body : Buffer.from((body as Uint8Array | undefined) ?? []).toString()),
      iam_request_headers: base64(JSON.stringify(headers)),
    };
    const secret = await context.attempt("Error authenticating", call(client, "PUT", `auth/${config["mount"] ?? "aws"}/login`, { body: fields }));
    if (secret === undefined) throw new Failure("Error authenticating: empty response from credential provider", 2);
    return secret;
  },
};

import { invalid } from "@coffer/state-machine";
import { NO_CLIENT } from "./storage.js";
import type { ClientConfig } from "./storage.js";

/**
 * The request of a login: sts:GetCallerIdentity, signed by who logs in (AWS Signature Version 4) and sent on by us. All that
 * we trust is STS's answer to exactly that request; so what could make it another request, or send it elsewhere, is refused
 * here. https://developer.hashicorp.com/vault/api-docs/auth/aws#login
 */
export interface SignedRequest {
  /** Where it is sent: from the configuration, never from the login. */
  readonly endpoint: URL;
  /** Lower-cased names; `host` is one of them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface LoginFields {
  readonly iam_http_request_method: string;
  readonly iam_request_url: string;
  readonly iam_request_body: string;
  readonly iam_request_headers: unknown;
}

export const SERVER_ID_HEADER = "x-vault-aws-iam-server-id";
/** Characters, of each field: a real request has about 2000. */
const MOST_CHARACTERS = 16_384;
const MOST_HEADERS = 50;

const ALLOWED_HEADERS: ReadonlySet<string> = new Set([
  "accept", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "content-length", "content-type", "host", "user-agent", "x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential", "x-amz-date",
  "x-amz-security-token", "x-amz-signature", "x-amz-signedheaders", "x-amz-user-agent", SERVER_ID_HEADER,
]);
/** What they are told by is part of the connection, not of the request. */
const NEVER_ALLOWED: ReadonlySet<string> = new Set(["connection", "expect", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"]);

const AUTHORIZATION = /^AWS4-HMAC-SHA256\s+Credential=[\w-]+\/\d{8}\/([a-z0-9-]+)\/sts\/aws4_request,\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=[0-9a-f]{64}$/;
/** AWS's own names of STS. */
const STS_HOST = /^sts(?:-fips)?(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$|^[a-z0-9.-]+\.sts\.[a-z0-9-]+\.vpce\.amazonaws\.com$/;

function decoded(name: string, text: string): string {
  if (text === "") throw invalid(`missing ${name}`);
  if (text.length > MOST_CHARACTERS) throw invalid(`${name} is too long`);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) throw invalid(`failed to base64 decode ${name}`);
  return Buffer.from(text, "base64").toString("utf8");
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

function headersOf(given: unknown): Map<string, string> {
  let parsed = given;
  if (typeof given === "string") {
    try {
      parsed = JSON.parse(given.trimStart().startsWith("{") && given.length <= MOST_CHARACTERS ? given : decoded("iam_request_headers", given)) as unknown;
    } catch {
      throw invalid("failed to parse iam_request_headers: it is no JSON object, nor one in base64");
    }
  }
  if (given === undefined || given === "") throw invalid("missing iam_request_headers");
  if (!isRecord(parsed)) throw invalid("failed to parse iam_request_headers: it is no JSON object");
  const headers = new Map<string, string>();
  const entries = Object.entries(parsed);
  if (entries.length > MOST_HEADERS) throw invalid("iam_request_headers has too many headers");
  for (const [rawName, rawValue] of entries) {
    const name = rawName.toLowerCase();
    const values = Array.isArray(rawValue) ? (rawValue as unknown[]) : [rawValue];
    const [value] = values;
    if (!/^[a-z0-9-]+$/.test(name)) throw invalid("iam_request_headers has a name that is none of a header");
    if (values.length !== 1 || headers.has(name)) throw invalid(`header ${JSON.stringify(name)} is given more than once`);
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text !== "string" || text.length > MOST_CHARACTERS || !/^[\t\x20-\x7e]*$/.test(text)) throw invalid(`header ${JSON.stringify(name)} has a value that is none of a header`);
    headers.set(name, text);
  }
  return headers;
}

/** What STS is asked is in the body; a URL can do no more than name the host that was signed. Throws RequestError 400. */
function hostOf(encoded: string): string {
  const text = decoded("iam_request_url", encoded);
  if (!URL.canParse(text)) throw invalid("error parsing iam_request_url");
  const url = new URL(text);
  if (!["https:", "http:"].includes(url.protocol) || url.username !== "" || url.password !== "" || url.hash !== "" || /[\s\\@]/.test(text)) throw invalid("invalid iam_request_url");
  if (url.pathname !== "/" || url.search !== "" || text.includes("?")) throw invalid("invalid iam_request_url: it may have neither path nor query");
  return url.host;
}

function checkBody(encoded: string): string {
  const body = decoded("iam_request_body", encoded);
  const parameters = [...new URLSearchParams(body)];
  const values = Object.fromEntries(parameters);
  const isAsItMustBe = parameters.length === 2 && values["Action"] === "GetCallerIdentity" && values["Version"] === "2011-06-15";
  if (!isAsItMustBe || !/^[A-Za-z0-9=&-]+$/.test(body)) throw invalid("iam_request_body is not that of sts:GetCallerIdentity");
  return body;
}

function endpointOf(config: ClientConfig, signedRegion: string): URL {
  const ofRegion = (region: string) => new URL(`https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`);
  if (config.use_sts_region_from_client) return ofRegion(signedRegion);
  if (config.sts_endpoint !== "") return new URL(config.sts_endpoint);
  return config.sts_region !== "" ? ofRegion(config.sts_region) : new URL("https://sts.amazonaws.com/");
}

function checkServerId(headers: ReadonlyMap<string, string>, signed: ReadonlySet<string>, { iam_server_id_header_value: wanted }: ClientConfig): void {
  if (wanted === "") return;
  const value = headers.get(SERVER_ID_HEADER);
  if (value === undefined) throw invalid("error validating X-Vault-AWS-IAM-Server-ID header: missing header \"X-Vault-AWS-IAM-Server-ID\"");
  if (value !== wanted) throw invalid("error validating X-Vault-AWS-IAM-Server-ID header: it names another server");
  if (!signed.has(SERVER_ID_HEADER)) throw invalid("error validating X-Vault-AWS-IAM-Server-ID header: header wasn't signed");
}

/** Throws RequestError 400 for whatever is not exactly a signed sts:GetCallerIdentity for this server. */
export function checkSignedRequest(login: LoginFields, config: ClientConfig = NO_CLIENT): SignedRequest {
  if (login.iam_http_request_method === "") throw invalid("missing iam_http_request_method");
  if (login.iam_http_request_method !== "POST") throw invalid("invalid iam_http_request_method; currently only 'POST' is supported");
  const urlHost = hostOf(login.iam_request_url);
  const body = checkBody(login.iam_request_body);
  const headers = headersOf(login.iam_request_headers);
  const [, region, signedText] = AUTHORIZATION.exec(headers.get("authorization") ?? "") ?? [];
  if (region === undefined || signedText === undefined) throw invalid("iam_request_headers has no Authorization header of an AWS4-HMAC-SHA256 signature for sts");
  const signed = new Set(signedText.split(";"));
  if (!signed.has("host")) throw invalid("the host of the request wasn't signed");
  checkServerId(headers, signed, config);

  const host = headers.get("host") ?? urlHost;
  const endpoint = endpointOf(config, region);
  if (host !== urlHost) throw invalid("iam_request_url and the Host header name different hosts");
  if (host !== endpoint.host && !STS_HOST.test(host)) throw invalid("the request was not signed for STS");
  const more = new Set(config.allowed_sts_header_values.map((name) => name.toLowerCase()));
  const sent: Record<string, string> = { "content-type": "application/x-www-form-urlencoded; charset=utf-8", host };
  for (const [name, value] of headers) {
    if (NEVER_ALLOWED.has(name) || ((signed.has(name) || name.startsWith("x-amz-")) && !ALLOWED_HEADERS.has(name) && !more.has(name))) throw invalid(`invalid request header: ${name}`);
    // What nobody signed proves nothing, and STS needs none of it.
    if (signed.has(name) || name === "authorization") sent[name] = value;
  }
  const length = String(Buffer.byteLength(body));
  if ((sent["content-length"] ?? length) !== length) throw invalid("the signed Content-Length is not that of iam_request_body");
  return { endpoint, headers: { ...sent, "content-length": length }, body };
}

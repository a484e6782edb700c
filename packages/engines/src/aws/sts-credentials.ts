import { invalid, RequestError } from "@coffer/state-machine";
import type { Credentials, STS } from "@aws-sdk/client-sts";
import { withSts } from "../amazon/clients.js";
import type { AwsAccess } from "../amazon/clients.js";
import { attempt } from "../amazon/failure.js";
import type { SessionPolicies } from "./group-policies.js";
import type { Role } from "./storage.js";

export interface StsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  /** Milliseconds since 1970. */
  readonly endsMs: number;
  /** Who the credentials are, where STS says so. */
  readonly arn: string | undefined;
}

/** Where STS is; the others are tried in order where the one before cannot be reached. */
type StsPlaces = readonly [AwsAccess, ...AwsAccess[]];

async function withAnySts<T>([first, ...others]: StsPlaces, work: (sts: STS) => Promise<T>): Promise<T> {
  try {
    return await withSts(first, work);
  } catch (error) {
    const [next, ...rest] = others;
    if (!next || !(error instanceof RequestError) || error.code !== "upstream_failed") throw error;
    return withAnySts([next, ...rest], work);
  }
}

function taken(found: Credentials | undefined, arn: string | undefined): StsCredentials {
  if (!found?.AccessKeyId || !found.SecretAccessKey || !found.SessionToken || !found.Expiration) throw new Error("STS answered without credentials");
  return { accessKey: found.AccessKeyId, secretKey: found.SecretAccessKey, sessionToken: found.SessionToken, endsMs: found.Expiration.getTime(), arn };
}

const bounds = ({ document, arns }: SessionPolicies) => ({ ...(document !== "" && { Policy: document }), ...(arns.length > 0 && { PolicyArns: arns.map((arn) => ({ arn })) }) });

export interface AssumedRole {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly role: Partial<Pick<Role, "session_tags" | "external_id">>;
  readonly policies: SessionPolicies;
  /** Undefined: as AWS has it. */
  readonly ttlSeconds?: number;
}

export async function assumeRole(places: StsPlaces, { roleArn, sessionName, role, policies, ttlSeconds }: AssumedRole): Promise<StsCredentials> {
  const { external_id = "" } = role;
  const tags = Object.entries(role.session_tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const { Credentials, AssumedRoleUser } = await withAnySts(places, (sts) =>
    attempt(
      "Error assuming role",
      sts.assumeRole({ RoleArn: roleArn, RoleSessionName: sessionName, DurationSeconds: ttlSeconds, ...bounds(policies), ...(tags.length > 0 && { Tags: tags }), ...(external_id !== "" && { ExternalId: external_id }) }),
    ),
  );
  return taken(Credentials, AssumedRoleUser?.Arn);
}

/** A federated user has no rights but what policies give: without any, AWS would hand out nothing of use. */
export async function federationToken(places: StsPlaces, name: string, policies: SessionPolicies, ttlSeconds: number): Promise<StsCredentials> {
  if (policies.document === "" && policies.arns.length === 0) throw invalid("must specify at least one of policy_arns or policy_document with federation_token credential_type");
  const { Credentials } = await withAnySts(places, (sts) => attempt("Error generating STS keys", sts.getFederationToken({ Name: name, DurationSeconds: ttlSeconds, ...bounds(policies) })));
  return taken(Credentials, undefined);
}

export async function sessionToken(places: StsPlaces, serialNumber: string, code: string, ttlSeconds: number): Promise<StsCredentials> {
  const { Credentials } = await withAnySts(places, (sts) =>
    attempt("Error generating STS keys", sts.getSessionToken({ DurationSeconds: ttlSeconds, ...(serialNumber !== "" && { SerialNumber: serialNumber }), ...(code !== "" && { TokenCode: code }) })),
  );
  return taken(Credentials, undefined);
}

import { definePath, field, grantFor, invalid, loginDisplayName } from "@coffer/state-machine";
import type { Engine, EngineRequest, EnvelopeResponse, InputOf, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { checkBindings, fullArn } from "./bindings.js";
import type { Caller } from "./bindings.js";
import { callerIdentity } from "./caller-identity.js";
import type { CallerIdentity } from "./caller-identity.js";
import { canonicalArn, parsePrincipal } from "./principal.js";
import type { Principal } from "./principal.js";
import { ec2Login, isEc2Login, renewEc2 } from "./ec2-login.js";
import { checkSignedRequest } from "./signed-request.js";
import { getClient, getIdentity, getRole, NO_CLIENT } from "./storage.js";
import type { Role } from "./storage.js";

const FIELDS = {
  role: field.string({ description: "Name of the role; without one that of the user or role who logs in.", default: "" }),
  iam_http_request_method: field.string({ description: "Method of the signed request: POST.", default: "" }),
  iam_request_url: field.string({ description: "URL of the signed request, in base64.", default: "" }),
  iam_request_body: field.string({ description: "Body of the signed request, in base64.", default: "" }),
  iam_request_headers: field.any({ description: "Headers of the signed request: a JSON object, as such or in base64.", sensitive: true }),
  identity: field.string({ description: "Identity document of the instance that logs in, in base64; with `signature`.", default: "" }),
  signature: field.string({ description: "AWS's signature of `identity`: what the metadata service gives as `signature`.", default: "" }),
  pkcs7: field.string({ description: "What the metadata service of the instance that logs in gives as `pkcs7` or `rsa2048`, with or without line breaks.", default: "" }),
  nonce: field.string({ description: "Of an instance: any text that it, and it alone, shows again at its next login. Without one the first login makes one. Empty: there is to be no next login.", sensitive: true }),
};
export type LoginRequest = EngineRequest<InputOf<typeof FIELDS>>;

/** What a token remembers of its login. */
interface LoginData {
  readonly role_name: string;
  readonly role_id: string;
  readonly principal: Principal;
  readonly client_user_id: string;
}

const callerOf = ({ arn, userId }: CallerIdentity): Caller => {
  const principal = parsePrincipal(arn);
  if (!principal) throw invalid(`unrecognized caller identity ${JSON.stringify(arn)}: only users and roles can log in`);
  return { principal, uniqueId: userId.split(":")[0]! };
};

function metadataOf(role: Role, identity: CallerIdentity, { principal, uniqueId }: Caller): Record<string, string> {
  const isInferred = role.inferred_entity_type !== "";
  return {
    account_id: principal.account,
    auth_type: "iam",
    canonical_arn: canonicalArn(principal),
    client_arn: identity.arn,
    client_user_id: uniqueId,
    inferred_aws_region: role.inferred_aws_region,
    inferred_entity_id: isInferred ? principal.sessionName : "",
    inferred_entity_type: role.inferred_entity_type,
  };
}

async function aliasName(storage: ReadStorage, kind: string, role: Role, caller: Caller): Promise<string> {
  if (kind === "unique_id") return caller.uniqueId;
  if (kind === "canonical_arn") return canonicalArn(caller.principal);
  return kind === "full_arn" ? fullArn(storage, caller) : role.role_id;
}

async function iamLogin({ input, remoteAddress }: LoginRequest, storage: WriteStorage, mount: Mount): Promise<EnvelopeResponse> {
  const config = getClient(storage) ?? NO_CLIENT;
  const identity = await callerIdentity(checkSignedRequest(input, config), config.max_retries);
  const caller = callerOf(identity);
  const roleName = (input.role || caller.principal.friendlyName).toLowerCase();
  const role = getRole(storage, roleName);
  if (!role) throw invalid(`entry for role ${JSON.stringify(roleName)} not found`);
  if (role.auth_type !== "iam") throw invalid(`auth method iam not allowed for role ${JSON.stringify(roleName)}`);
  await checkBindings(storage, role, caller);

  const { iam_alias, iam_metadata } = getIdentity(storage);
  const known = metadataOf(role, identity, caller);
  const metadata = Object.fromEntries(iam_metadata.map((name) => [name, known[name] ?? ""]));
  const internalData: LoginData = { role_name: roleName, role_id: role.role_id, principal: caller.principal, client_user_id: caller.uniqueId };
  return {
    kind: "envelope",
    data: null,
    grant: grantFor(role.tokens, {
      displayName: loginDisplayName(mount, caller.principal.friendlyName),
      metadata: { role_id: role.role_id, ...metadata },
      alias: { name: await aliasName(storage, iam_alias, role, caller), metadata },
      internalData: { ...internalData },
      remoteAddress,
    }),
  };
}

function login(request: LoginRequest, storage: WriteStorage, mount: Mount): Promise<EnvelopeResponse> {
  const { input } = request;
  const isEc2 = input.pkcs7 !== "" || input.identity !== "" || input.signature !== "";
  const isIam = input.iam_http_request_method !== "" || input.iam_request_url !== "" || input.iam_request_body !== "" || input.iam_request_headers !== undefined;
  if (isEc2 && isIam) throw invalid("supplied auth values for both ec2 and iam auth types");
  if (input.pkcs7 !== "" && (input.identity !== "" || input.signature !== "")) throw invalid("either pkcs7, or identity and signature, but not both");
  if (!isEc2 && !isIam) throw invalid("didn't supply required authentication values");
  return isEc2 ? ec2Login(request, storage, mount) : iamLogin(request, storage, mount);
}

export const loginPath = definePath({
  template: "login",
  help: {
    synopsis: "Logs in as a principal of AWS, or as an instance of EC2.",
    description: "A principal signs sts:GetCallerIdentity with its own credentials and hands the request over; STS then says who signed it. An instance shows its identity document, which AWS has signed.",
  },
  fields: FIELDS,
  operations: { update: { effect: "write", access: "none", summary: "Log in with a signed request, or with a signed identity document.", roleOf: ({ input }) => input.role || undefined, handler: login } },
});

/** The role must be the one that it was, and still want the principal. */
export const renewLogin: NonNullable<Engine["renewLogin"]> = async (data, storage) => {
  if (isEc2Login(data)) return renewEc2(data, storage);
  const { role_name, role_id, principal, client_user_id } = data as unknown as LoginData;
  const role = getRole(storage, role_name);
  if (!role || role.role_id !== role_id) throw invalid(`role ${JSON.stringify(role_name)} of this login is gone`);
  await checkBindings(storage, role, { principal, uniqueId: client_user_id });
  const { token_ttl, token_max_ttl, token_period } = role.tokens.parameters;
  return { ttlSeconds: token_ttl, maxTtlSeconds: token_max_ttl, periodSeconds: token_period };
};

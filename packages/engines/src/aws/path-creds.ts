import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, InputOf, IntentKind, SecretKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import { sessionPolicies } from "./group-policies.js";
import { createUser, removeUser } from "./iam-user.js";
import { getLease, getRole, getRoot, iamAccess, stsAccess } from "./storage.js";
import type { CredentialType, Role } from "./storage.js";
import { assumeRole, federationToken, sessionToken } from "./sts-credentials.js";
import type { StsCredentials } from "./sts-credentials.js";
import { makeUsername } from "./username-template.js";

const SECRET = "access_keys";
const USER_INTENT = "user";
/** What STS gives where neither the caller nor the role says anything. */
const DEFAULT_STS_SECONDS = 3600;

const FIELDS = {
  name: field.name({ description: "Name of the role.", required: true }),
  role_arn: field.string({ description: "Which of the role's role_arns is assumed; needed where there are several.", default: "" }),
  role_session_name: field.string({ description: "Name of the session; for assumed_role.", default: "" }),
  ttl: field.duration({ description: "How long credentials of STS live." }),
  mfa_code: field.string({ description: "Code of the role's MFA device; for session_token.", default: "" }),
};
type CredsRequest = EngineRequest<InputOf<typeof FIELDS>>;

async function userCredentials(request: CredsRequest, storage: WriteStorage, mount: WriteMount, role: Role): Promise<EnvelopeResponse> {
  const { name } = request.input;
  const username = makeUsername(getRoot(storage)?.username_template ?? "", { DisplayName: request.caller?.displayName ?? "", PolicyName: name, Type: "iam_user" }, mount.env);
  const intent = await mount.intents.begin(USER_INTENT, { username });
  const { accessKey, secretKey } = await createUser(iamAccess(storage), username, name, role);
  mount.intents.confirm(intent);
  const lease = getLease(storage);
  return data(
    { access_key: accessKey, secret_key: secretKey, security_token: null, session_token: null },
    { secret: { kind: SECRET, renewable: true, internalData: { username, policy: name, is_sts: false }, ...(lease && { ttlSeconds: lease.lease, maxTtlSeconds: lease.lease_max }) } },
  );
}

/** Throws RequestError 400 where it is not clear which, or not allowed. */
function chosenRoleArn(asked: string, { role_arns }: Role, name: string): string {
  const allowed = role_arns ?? [];
  if (asked === "") {
    if (allowed.length !== 1) throw invalid("did not supply a role_arn parameter and unable to determine one");
    return allowed[0]!;
  }
  if (!allowed.includes(asked)) throw invalid(`role_arn ${JSON.stringify(asked)} not in allowed role arns for Vault role ${JSON.stringify(name)}`);
  return asked;
}

async function stsCredentials({ input, caller }: CredsRequest, storage: WriteStorage, mount: WriteMount, role: Role, type: CredentialType): Promise<EnvelopeResponse> {
  const { name } = input;
  const wanted = input.ttl ?? (role.default_sts_ttl > 0 ? role.default_sts_ttl : DEFAULT_STS_SECONDS);
  const ttlSeconds = Math.min(wanted, role.max_sts_ttl > 0 ? role.max_sts_ttl : mount.maxLeaseTtlSeconds);
  const template = getRoot(storage)?.username_template ?? "";
  const named = (Type: "iam_user" | "STS") => makeUsername(template, { DisplayName: caller?.displayName ?? "", PolicyName: name, Type }, mount.env);
  let credentials: StsCredentials;
  if (type === "assumed_role") {
    const roleArn = chosenRoleArn(input.role_arn, role, name);
    const sessionName = input.role_session_name || named("iam_user");
    credentials = await assumeRole(stsAccess(storage), { roleArn, sessionName, role, policies: await sessionPolicies(iamAccess(storage), role), ttlSeconds });
  } else if (type === "federation_token") {
    credentials = await federationToken(stsAccess(storage), named("STS"), await sessionPolicies(iamAccess(storage), role), ttlSeconds);
  } else {
    credentials = await sessionToken(stsAccess(storage), role.mfa_serial_number, input.mfa_code, ttlSeconds);
  }
  const { accessKey, secretKey, sessionToken: token, arn, endsMs } = credentials;
  const leftSeconds = Math.max(1, Math.min(ttlSeconds, Math.floor((endsMs - mount.env.now()) / 1000)));
  return data(
    { access_key: accessKey, secret_key: secretKey, security_token: token, session_token: token, ...(arn !== undefined && { arn }), ttl: leftSeconds },
    { secret: { kind: SECRET, ttlSeconds: leftSeconds, renewable: false, internalData: { policy: name, is_sts: true } } },
  );
}

async function credentials(request: CredsRequest, storage: WriteStorage, mount: WriteMount): Promise<EnvelopeResponse> {
  const { name } = request.input;
  const role = getRole(storage, name);
  if (!role) throw invalid(`Role '${name}' not found`);
  const isStsPath = request.path.startsWith("sts/");
  // Only roles written with the older `policy` have two types; the path says which is meant.
  const type = role.credential_types.length === 1 ? role.credential_types[0]! : isStsPath ? "federation_token" : "iam_user";
  if (type !== "iam_user") return stsCredentials(request, storage, mount, role, type);
  if (isStsPath) throw invalid(`role ${JSON.stringify(name)} hands out iam_user credentials: read creds/${name}`);
  return userCredentials(request, storage, mount, role);
}

const operation = { effect: "write", summary: "Hand out credentials.", handler: credentials } as const;
const HELP = { synopsis: "Hands out credentials of a role.", description: "An IAM user is made, and removed when its lease ends; or STS gives credentials that end by themselves, whatever becomes of their lease." };

export const credsPath = definePath({ template: "creds/{name}", help: HELP, fields: FIELDS, operations: { read: operation, update: operation } });
export const stsPath = definePath({ template: "sts/{name}", help: HELP, fields: FIELDS, operations: { read: operation, update: operation } });

export const accessKeys: SecretKind = {
  name: SECRET,
  renew: (_data, increment, storage) => increment || getLease(storage)?.lease || undefined,
  async revoke(internal, storage) {
    // What STS gave cannot be taken back; it ends with its lease.
    if (internal["is_sts"] === true) return;
    await removeUser(iamAccess(storage), String(internal["username"]));
  },
};

/** A user whose lease was never committed. */
export const userIntent: IntentKind = { kind: USER_INTENT, rollback: ({ username }, storage) => removeUser(iamAccess(storage), String(username)) };

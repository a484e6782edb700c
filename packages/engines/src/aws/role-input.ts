import { field, invalid } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";
import { parseArn } from "../amazon/arn.js";
import { CREDENTIAL_TYPES } from "./storage.js";
import type { CredentialType, Role } from "./storage.js";

export const ROLE_SETTINGS = {
  credential_type: field.string({ description: "What is handed out: iam_user, assumed_role, federation_token or session_token." }),
  role_arns: field.commaList({ description: "Roles that may be assumed; for assumed_role." }),
  policy_arns: field.commaList({ description: "Managed policies: attached to an IAM user, or the bounds of what STS gives." }),
  policy_document: field.string({ description: "Policy in JSON: put into an IAM user, or the bounds of what STS gives." }),
  iam_groups: field.commaList({ description: "Groups that an IAM user joins, or whose policies bound what STS gives." }),
  iam_tags: field.pairs({ description: "Tags of an IAM user." }),
  session_tags: field.pairs({ description: "Tags of the session; for assumed_role." }),
  external_id: field.string({ description: "External id that the role asks for; for assumed_role." }),
  default_sts_ttl: field.duration({ description: "How long credentials of STS live where nobody asks otherwise." }),
  max_sts_ttl: field.duration({ description: "How long credentials of STS live at most." }),
  user_path: field.string({ description: "Path of an IAM user." }),
  permissions_boundary_arn: field.string({ description: "Policy that bounds an IAM user." }),
  mfa_serial_number: field.string({ description: "MFA device whose code is asked for; for session_token." }),
  arn: field.string({ description: "Older name of policy_arns or role_arns, by what it names.", deprecated: true }),
  policy: field.string({ description: "Older name of policy_document, for iam_user and federation_token alike.", deprecated: true }),
};
type RoleInput = InputOf<typeof ROLE_SETTINGS>;

const EMPTY: Role = Object.freeze({
  credential_types: [], policy_arns: null, role_arns: null, policy_document: "", iam_groups: null, iam_tags: null, session_tags: null, external_id: "",
  default_sts_ttl: 0, max_sts_ttl: 0, user_path: "", permissions_boundary_arn: "", mfa_serial_number: "",
});

/** AWS's own rule. */
const USER_PATH = /^\/([\x21-\x7F]{0,510}\/)?$/;

function compact(document: string): string {
  if (document === "") return "";
  try {
    const parsed = JSON.parse(document) as unknown;
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return JSON.stringify(parsed);
  } catch {
    // The answer below says it without the parser's quotation of the text.
  }
  throw invalid("cannot parse policy document: it is no JSON object");
}

/** A role as it was written before there were credential types. */
function legacy(input: RoleInput): Partial<Role> {
  if (input.policy) return { credential_types: ["iam_user", "federation_token"], policy_document: compact(input.policy) };
  const arn = input.arn!;
  const resource = parseArn(arn)?.resource ?? "";
  if (resource.startsWith("policy/")) return { credential_types: ["iam_user"], policy_arns: [arn] };
  if (resource.startsWith("role/")) return { credential_types: ["assumed_role"], role_arns: [arn] };
  throw invalid(`unable to parse ARN ${JSON.stringify(arn)}: it names neither a policy nor a role`);
}

/** Of a role as it was before, if it was, and of what was given. Throws RequestError 400. */
export function toRole(input: RoleInput, before: Role = EMPTY): Role {
  const { arn, policy, credential_type, policy_document, ...given } = input;
  const isLegacy = Boolean(arn) || Boolean(policy);
  if (isLegacy && credential_type) throw invalid("cannot supply deprecated role or policy parameters with an explicit credential_type");
  if (arn && policy) throw invalid("cannot supply both arn and policy");
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Role>;
  const role: Role = {
    ...before,
    ...changes,
    ...(policy_document !== undefined && { policy_document: compact(policy_document) }),
    ...(credential_type !== undefined && { credential_types: [credential_type as CredentialType] }),
    ...(isLegacy && legacy(input)),
  };
  check(role);
  return role;
}

function check(role: Role): void {
  const { credential_types: types } = role;
  const has = (...wanted: readonly CredentialType[]) => wanted.some((one) => types.includes(one));
  if (types.length === 0) throw invalid("did not supply credential_type");
  for (const type of types) if (!CREDENTIAL_TYPES.includes(type)) throw invalid(`unrecognized credential type: ${String(type)}`);
  const isSts = has("assumed_role", "federation_token", "session_token");
  if (role.default_sts_ttl !== 0 && !isSts) throw invalid("default_sts_ttl parameter only valid for assumed_role, federation_token, and session_token credential types");
  if (role.max_sts_ttl !== 0 && !isSts) throw invalid("max_sts_ttl parameter only valid for assumed_role, federation_token, and session_token credential types");
  if (role.max_sts_ttl > 0 && role.default_sts_ttl > role.max_sts_ttl) throw invalid('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value');
  if (role.user_path !== "") {
    if (!has("iam_user")) throw invalid("user_path parameter only valid for iam_user credential type");
    if (!USER_PATH.test(role.user_path)) throw invalid(`The specified value for user_path is invalid. It must match ${USER_PATH.source} regexp`);
  }
  if (role.permissions_boundary_arn !== "") {
    if (!has("iam_user")) throw invalid("cannot supply permissions_boundary_arn when credential_type isn't iam_user");
    if (!parseArn(role.permissions_boundary_arn)) throw invalid("invalid permissions_boundary_arn parameter: it is no ARN");
  }
  if (has("session_token") && (role.policy_document !== "" || isFilled(role.policy_arns))) throw invalid("cannot supply policy_document or policy_arns when using session_token credential type");
  if (!has("assumed_role")) {
    if (isFilled(role.role_arns)) throw invalid("cannot supply role_arns when credential_type isn't assumed_role");
    if (role.external_id !== "") throw invalid("cannot supply external_id when credential_type isn't assumed_role");
    if (Object.keys(role.session_tags ?? {}).length > 0) throw invalid("cannot supply session_tags when credential_type isn't assumed_role");
  }
  for (const arn of [...(role.role_arns ?? []), ...(role.policy_arns ?? [])]) if (!parseArn(arn)) throw invalid(`unable to parse ARN ${JSON.stringify(arn)}`);
}

const isFilled = (list: readonly string[] | null) => list !== null && list.length > 0;

import { field, invalid, olderTokenFields, roleTokens, tokenFields } from "@coffer/state-machine";
import type { Environment, InputOf } from "@coffer/state-machine";
import { parsePrincipal } from "./principal.js";
import type { Bounds, Role } from "./storage.js";

const { policies, ttl, max_ttl, period } = olderTokenFields;

export const BOUND_FIELDS = {
  bound_ami_id: field.commaList({ description: "AMIs that an instance may run." }),
  bound_account_id: field.commaList({ description: "Accounts that an instance may belong to." }),
  bound_ec2_instance_id: field.commaList({ description: "Instances that may be inferred." }),
  bound_iam_principal_arn: field.commaList({ description: "Users and roles that may log in; a `*` at the end stands for anything." }),
  bound_iam_role_arn: field.commaList({ description: "Roles that an instance's profile may have; a `*` at the end stands for anything." }),
  bound_iam_instance_profile_arn: field.commaList({ description: "Instance profiles that an instance may have; a `*` at the end stands for anything." }),
  bound_region: field.commaList({ description: "Regions that an instance may be in." }),
  bound_subnet_id: field.commaList({ description: "Subnets that an instance may be in." }),
  bound_vpc_id: field.commaList({ description: "VPCs that an instance may be in." }),
};

export const ROLE_SETTINGS = {
  auth_type: field.string({ description: "What logs in: `iam`, which is the default, or `ec2`. It cannot be changed." }),
  ...BOUND_FIELDS,
  inferred_entity_type: field.string({ description: "What is inferred: with `ec2_instance`, who logs in is an instance, whose id is the name of its session." }),
  inferred_aws_region: field.string({ description: "Region that inferred instances are in." }),
  resolve_aws_unique_ids: field.bool({ description: "Whether principals are bound by AWS's ids, so that one made anew under the same name is another one. Default true; it cannot be turned off later." }),
  role_tag: field.string({ description: "Of type ec2: key of a tag that instances must have, with a value that role/NAME/tag made." }),
  allow_instance_migration: field.bool({ description: "Of type ec2: an instance that was started anew may log in without the nonce of its first login. Weak: whoever runs code on it can." }),
  disallow_reauthentication: field.bool({ description: "Of type ec2: an instance may log in once only, until its entry of identity-accesslist is deleted." }),
  ...tokenFields,
  ...{ policies, ttl, max_ttl, period },
};
type RoleInput = InputOf<typeof ROLE_SETTINGS>;

const BOUND_NAMES = Object.keys(BOUND_FIELDS) as readonly (keyof Bounds)[];
/** Those that say something of an instance. */
const INSTANCE_BOUNDS = BOUND_NAMES.filter((name) => name !== "bound_iam_principal_arn");
const WITH_WILDCARDS: ReadonlySet<keyof Bounds> = new Set(["bound_iam_principal_arn", "bound_iam_role_arn", "bound_iam_instance_profile_arn"]);

const empty = (roleId: string): Omit<Role, "tokens"> => ({
  role_id: roleId, auth_type: "iam", role_tag: "", allow_instance_migration: false, disallow_reauthentication: false, hmac_key: "", bound_iam_principal_id: [], inferred_entity_type: "", inferred_aws_region: "", resolve_aws_unique_ids: true,
  bound_ami_id: [], bound_account_id: [], bound_ec2_instance_id: [], bound_iam_principal_arn: [], bound_iam_role_arn: [], bound_iam_instance_profile_arn: [], bound_region: [], bound_subnet_id: [], bound_vpc_id: [],
});

/** Of a role as it was before, if it was, and of what was given; unique ids are not looked up yet. Throws RequestError 400. */
export function toRole(input: RoleInput, env: Environment, earlier?: Role): Role {
  const before = earlier ?? empty(env.uuid());
  const type = input.auth_type || before.auth_type;
  if (type !== "iam" && type !== "ec2") throw invalid(`unrecognized auth_type: ${type}`);
  if (earlier && type !== earlier.auth_type) throw invalid("auth_type of a role cannot be changed");
  if (input.resolve_aws_unique_ids === false && before.resolve_aws_unique_ids && before.bound_iam_principal_arn.length > 0) throw invalid("changing resolve_aws_unique_ids from true to false is not allowed");
  const bounds = Object.fromEntries(BOUND_NAMES.flatMap((name) => (input[name] === undefined ? [] : [[name, [...new Set(input[name]!.filter((one) => one !== ""))]]]))) as Partial<Bounds>;
  const role: Role = {
    ...before,
    ...bounds,
    auth_type: type,
    role_tag: input.role_tag ?? before.role_tag,
    allow_instance_migration: input.allow_instance_migration ?? before.allow_instance_migration,
    disallow_reauthentication: input.disallow_reauthentication ?? before.disallow_reauthentication,
    hmac_key: before.hmac_key || Buffer.from(env.randomBytes(32)).toString("base64"),
    inferred_entity_type: (input.inferred_entity_type ?? before.inferred_entity_type) as Role["inferred_entity_type"],
    inferred_aws_region: input.inferred_aws_region ?? before.inferred_aws_region,
    resolve_aws_unique_ids: input.resolve_aws_unique_ids ?? before.resolve_aws_unique_ids,
    tokens: roleTokens(input, earlier?.tokens),
  };
  check(role);
  return role;
}

function check(role: Role): void {
  if (BOUND_NAMES.every((name) => role[name].length === 0)) throw invalid("at least be one bound parameter should be specified on the role");
  if (role.auth_type === "iam") checkIam(role);
  else checkEc2(role);
  for (const name of WITH_WILDCARDS) {
    for (const arn of role[name]) {
      const star = arn.indexOf("*");
      if (star !== -1 && star !== arn.length - 1) throw invalid(`${name}: a * may stand at the end only`);
      // With its account, and more than a `*` behind it: nobody means everybody of AWS.
      if (!parsePrincipal(star === -1 ? arn : `${arn.slice(0, -1)}x`)) throw invalid(`${name}: ${JSON.stringify(arn)} is no ARN of a user, role or instance profile`);
    }
  }
}

function checkIam(role: Role): void {
  const isInferring = role.inferred_entity_type !== "";
  if (isInferring && role.inferred_entity_type !== "ec2_instance") throw invalid(`invalid inferred_entity_type: ${String(role.inferred_entity_type)}`);
  if (isInferring && role.inferred_aws_region === "") throw invalid("specified inferred_entity_type but not inferred_aws_region");
  if (!isInferring && role.inferred_aws_region !== "") throw invalid("specified inferred_aws_region but not inferred_entity_type");
  if (!/^[a-z0-9-]*$/.test(role.inferred_aws_region)) throw invalid("inferred_aws_region is no name of a region");
  for (const name of INSTANCE_BOUNDS) if (role[name].length > 0 && !isInferring) throw invalid(`specified ${name} but not specifying ec2 auth_type or inferring ec2_instance`);
  if (role.role_tag !== "") throw invalid("tried to enable role_tag when not using ec2 auth method");
  for (const name of ["allow_instance_migration", "disallow_reauthentication"] as const) if (role[name]) throw invalid(`specified ${name} when not using ec2 auth type`);
}

/** Of a tag's key, by EC2. */
const MOST_OF_TAG_KEY = 127;

function checkEc2(role: Role): void {
  if (role.inferred_entity_type !== "" || role.inferred_aws_region !== "") throw invalid("specified inferred_entity_type or inferred_aws_region when not using iam auth_type");
  if (role.bound_iam_principal_arn.length > 0) throw invalid("specified bound_iam_principal_arn but not specifying iam auth_type");
  if (role.role_tag.length > MOST_OF_TAG_KEY) throw invalid(`length of role tag exceeds the EC2 key limit of ${MOST_OF_TAG_KEY} characters`);
  if (role.allow_instance_migration && role.disallow_reauthentication) throw invalid("cannot specify both allow_instance_migration and disallow_reauthentication");
}

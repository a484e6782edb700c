import { field, invalid, olderTokenFields, roleTokens, tokenFields } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";
import { parsePrincipal } from "./principal.js";
import type { Bounds, Role } from "./storage.js";

const { policies, ttl, max_ttl, period } = olderTokenFields;

export const BOUND_FIELDS = {
  bound_ami_id: field.commaList({ description: "AMIs that an inferred instance may run." }),
  bound_account_id: field.commaList({ description: "Accounts that an inferred instance may belong to." }),
  bound_ec2_instance_id: field.commaList({ description: "Instances that may be inferred." }),
  bound_iam_principal_arn: field.commaList({ description: "Users and roles that may log in; a `*` at the end stands for anything." }),
  bound_iam_role_arn: field.commaList({ description: "Roles that an inferred instance's profile may have; a `*` at the end stands for anything." }),
  bound_iam_instance_profile_arn: field.commaList({ description: "Instance profiles that an inferred instance may have; a `*` at the end stands for anything." }),
  bound_region: field.commaList({ description: "Regions that an inferred instance may be in." }),
  bound_subnet_id: field.commaList({ description: "Subnets that an inferred instance may be in." }),
  bound_vpc_id: field.commaList({ description: "VPCs that an inferred instance may be in." }),
};

export const ROLE_SETTINGS = {
  auth_type: field.string({ description: "What logs in: `iam`. Logins of type `ec2` are not served; an instance logs in by iam, with inferred_entity_type." }),
  ...BOUND_FIELDS,
  inferred_entity_type: field.string({ description: "What is inferred: with `ec2_instance`, who logs in is an instance, whose id is the name of its session." }),
  inferred_aws_region: field.string({ description: "Region that inferred instances are in." }),
  resolve_aws_unique_ids: field.bool({ description: "Whether principals are bound by AWS's ids, so that one made anew under the same name is another one. Default true; it cannot be turned off later." }),
  role_tag: field.string({ description: "Of type ec2, which is not served.", default: "" }),
  allow_instance_migration: field.bool({ description: "Of type ec2, which is not served.", default: false }),
  disallow_reauthentication: field.bool({ description: "Of type ec2, which is not served.", default: false }),
  ...tokenFields,
  ...{ policies, ttl, max_ttl, period },
};
type RoleInput = InputOf<typeof ROLE_SETTINGS>;

const BOUND_NAMES = Object.keys(BOUND_FIELDS) as readonly (keyof Bounds)[];
/** Those that say something of an instance. */
const INSTANCE_BOUNDS = BOUND_NAMES.filter((name) => name !== "bound_iam_principal_arn");
const WITH_WILDCARDS: ReadonlySet<keyof Bounds> = new Set(["bound_iam_principal_arn", "bound_iam_role_arn", "bound_iam_instance_profile_arn"]);

const empty = (roleId: string): Omit<Role, "tokens"> => ({
  role_id: roleId, auth_type: "iam", bound_iam_principal_id: [], inferred_entity_type: "", inferred_aws_region: "", resolve_aws_unique_ids: true,
  bound_ami_id: [], bound_account_id: [], bound_ec2_instance_id: [], bound_iam_principal_arn: [], bound_iam_role_arn: [], bound_iam_instance_profile_arn: [], bound_region: [], bound_subnet_id: [], bound_vpc_id: [],
});

/** Of a role as it was before, if it was, and of what was given; unique ids are not looked up yet. Throws RequestError 400. */
export function toRole(input: RoleInput, roleId: string, earlier?: Role): Role {
  const before = earlier ?? empty(roleId);
  const type = input.auth_type ?? "";
  if (type === "ec2" || input.role_tag !== "" || input.allow_instance_migration || input.disallow_reauthentication) throw invalid("auth_type ec2, and the fields that belong to it, are not supported; use auth_type iam, with inferred_entity_type=ec2_instance for instances");
  if (type !== "" && type !== "iam") throw invalid(`unrecognized auth_type: ${type}`);
  if (input.resolve_aws_unique_ids === false && before.resolve_aws_unique_ids && before.bound_iam_principal_arn.length > 0) throw invalid("changing resolve_aws_unique_ids from true to false is not allowed");
  const bounds = Object.fromEntries(BOUND_NAMES.flatMap((name) => (input[name] === undefined ? [] : [[name, [...new Set(input[name]!.filter((one) => one !== ""))]]]))) as Partial<Bounds>;
  const role: Role = {
    ...before,
    ...bounds,
    inferred_entity_type: (input.inferred_entity_type ?? before.inferred_entity_type) as Role["inferred_entity_type"],
    inferred_aws_region: input.inferred_aws_region ?? before.inferred_aws_region,
    resolve_aws_unique_ids: input.resolve_aws_unique_ids ?? before.resolve_aws_unique_ids,
    tokens: roleTokens(input, earlier?.tokens),
  };
  check(role);
  return role;
}

function check(role: Role): void {
  const isInferring = role.inferred_entity_type !== "";
  if (isInferring && role.inferred_entity_type !== "ec2_instance") throw invalid(`invalid inferred_entity_type: ${String(role.inferred_entity_type)}`);
  if (isInferring && role.inferred_aws_region === "") throw invalid("specified inferred_entity_type but not inferred_aws_region");
  if (!isInferring && role.inferred_aws_region !== "") throw invalid("specified inferred_aws_region but not inferred_entity_type");
  if (!/^[a-z0-9-]*$/.test(role.inferred_aws_region)) throw invalid("inferred_aws_region is no name of a region");
  if (BOUND_NAMES.every((name) => role[name].length === 0)) throw invalid("at least be one bound parameter should be specified on the role");
  for (const name of INSTANCE_BOUNDS) if (role[name].length > 0 && !isInferring) throw invalid(`specified ${name} but not specifying ec2 auth_type or inferring ec2_instance`);
  for (const name of WITH_WILDCARDS) {
    for (const arn of role[name]) {
      const star = arn.indexOf("*");
      if (star !== -1 && star !== arn.length - 1) throw invalid(`${name}: a * may stand at the end only`);
      // With its account, and more than a `*` behind it: nobody means everybody of AWS.
      if (!parsePrincipal(star === -1 ? arn : `${arn.slice(0, -1)}x`)) throw invalid(`${name}: ${JSON.stringify(arn)} is no ARN of a user, role or instance profile`);
    }
  }
}

import { invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { findInstance, lookUp, roleOfProfile } from "./lookup.js";
import type { Instance } from "./lookup.js";
import { canonicalArn, isWildcard, matchesWildcard, parsePrincipal } from "./principal.js";
import type { Principal } from "./principal.js";
import type { Role } from "./storage.js";

/** Who logged in, or wants to go on: as STS said, without the session. */
export interface Caller {
  readonly principal: Principal;
  /** AWS's id of the user or role. */
  readonly uniqueId: string;
}

/** The principal's ARN with its path; only of the very principal that STS named. Throws RequestError. */
export async function fullArn(storage: ReadStorage, { principal, uniqueId }: Caller): Promise<string> {
  const found = await lookUp(storage, principal);
  if (found.id !== uniqueId) throw invalid(`${canonicalArn(principal)} is not whom it was`);
  return found.arn;
}

/** Throws RequestError 400 unless the role is bound to the principal, by id, by name or by a wildcard. */
async function checkPrincipal(storage: ReadStorage, role: Role, caller: Caller): Promise<void> {
  const bound = role.bound_iam_principal_arn;
  if (bound.length === 0) return;
  const canonical = canonicalArn(caller.principal);
  if (role.bound_iam_principal_id.includes(caller.uniqueId)) return;
  if (!role.resolve_aws_unique_ids && bound.includes(canonical)) return;
  if (bound.some(isWildcard)) {
    const arn = await fullArn(storage, caller);
    if (bound.some((one) => matchesWildcard(one, arn))) return;
  }
  throw invalid(`IAM Principal ${JSON.stringify(canonical)} does not belong to the role`);
}

const isBound = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
const isBoundArn = (list: readonly string[], value: string) => list.length === 0 || (value !== "" && list.some((one) => one === value || matchesWildcard(one, value)));

/** Where an instance is, as far as that is known from elsewhere than from EC2. */
export interface InstancePlace {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
}

/** Throws RequestError 400 unless the instance runs, within the role's bounds. */
export async function checkInstance(storage: ReadStorage, role: Role, { account, region, instanceId }: InstancePlace): Promise<Instance> {
  const instance = await findInstance(storage, account, region, instanceId);
  const refuse = (what: string) => invalid(`${what} of the instance does not belong to the role`);
  if (!isBound(role.bound_account_id, account)) throw refuse("account");
  if (!isBound(role.bound_region, region)) throw refuse("region");
  if (!isBound(role.bound_ec2_instance_id, instance.id)) throw refuse("id");
  if (!isBound(role.bound_ami_id, instance.imageId)) throw refuse("AMI");
  if (!isBound(role.bound_vpc_id, instance.vpcId)) throw refuse("VPC");
  if (!isBound(role.bound_subnet_id, instance.subnetId)) throw refuse("subnet");
  if (!isBoundArn(role.bound_iam_instance_profile_arn, instance.profileArn)) throw refuse("instance profile");
  if (role.bound_iam_role_arn.length > 0) {
    const profile = parsePrincipal(instance.profileArn);
    if (!profile || !isBoundArn(role.bound_iam_role_arn, await roleOfProfile(storage, profile))) throw refuse("IAM role");
  }
  return instance;
}

/** Of the instance whose session it is. Throws RequestError 400. */
async function checkInferred(storage: ReadStorage, role: Role, { account, sessionName }: Principal): Promise<void> {
  if (!/^i-[0-9a-f]{8,32}$/.test(sessionName)) throw invalid("could not infer an EC2 instance: the session's name is no id of one");
  await checkInstance(storage, role, { account, region: role.inferred_aws_region, instanceId: sessionName });
}

/** All that a role asks of a principal, at login and at each renewal. Throws RequestError 400. */
export async function checkBindings(storage: ReadStorage, role: Role, caller: Caller): Promise<void> {
  await checkPrincipal(storage, role, caller);
  if (role.inferred_entity_type === "ec2_instance") await checkInferred(storage, role, caller.principal);
}

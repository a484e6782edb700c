import { invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { withEc2, withIam, withSts } from "../amazon/clients.js";
import type { AwsAccess } from "../amazon/clients.js";
import { attempt } from "../amazon/failure.js";
import type { Principal } from "./principal.js";
import { getStsAccount, ownAccess } from "./storage.js";

/** AWS's own region of a partition: IAM is one service for all of it. */
const IAM_REGIONS: Readonly<Record<string, string>> = { aws: "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1" };

/** AWS's access for an account: as the method itself, or through the role that config/sts names. Throws RequestError. */
async function accessFor(storage: ReadStorage, account: string, endpoint: "endpoint" | "iam_endpoint", region: string): Promise<AwsAccess> {
  const own = ownAccess(storage, endpoint, region);
  const entry = getStsAccount(storage, account);
  if (!entry) return own;
  const { Credentials } = await withSts(ownAccess(storage, "sts_endpoint"), (sts) =>
    attempt(`error assuming the role of account ${account}`, sts.assumeRole({ RoleArn: entry.sts_role, RoleSessionName: "coffer-auth", ...(entry.external_id !== "" && { ExternalId: entry.external_id }) })),
  );
  return { ...own, accessKey: Credentials?.AccessKeyId ?? "", secretKey: Credentials?.SecretAccessKey ?? "", sessionToken: Credentials?.SessionToken ?? "" };
}

export interface Found {
  readonly id: string;
  /** With its path. */
  readonly arn: string;
}

/** What IAM says of a principal. Throws RequestError, 400 where there is none. */
export async function lookUp(storage: ReadStorage, principal: Principal): Promise<Found> {
  const access = await accessFor(storage, principal.account, "iam_endpoint", IAM_REGIONS[principal.partition] ?? "us-east-1");
  const name = principal.friendlyName;
  const found = await withIam(access, async (iam): Promise<{ id?: string; arn?: string }> => {
    const what = `unable to look up ${principal.type} ${JSON.stringify(name)}`;
    if (principal.type === "user") {
      const { User } = await attempt(what, iam.getUser({ UserName: name }));
      return { ...(User?.UserId !== undefined && { id: User.UserId }), ...(User?.Arn !== undefined && { arn: User.Arn }) };
    }
    if (principal.type === "role") {
      const { Role } = await attempt(what, iam.getRole({ RoleName: name }));
      return { ...(Role?.RoleId !== undefined && { id: Role.RoleId }), ...(Role?.Arn !== undefined && { arn: Role.Arn }) };
    }
    const { InstanceProfile } = await attempt(what, iam.getInstanceProfile({ InstanceProfileName: name }));
    return { ...(InstanceProfile?.InstanceProfileId !== undefined && { id: InstanceProfile.InstanceProfileId }), ...(InstanceProfile?.Arn !== undefined && { arn: InstanceProfile.Arn }) };
  });
  if (!found.id || !found.arn) throw invalid(`AWS does not know ${principal.type} ${JSON.stringify(name)}`);
  return { id: found.id, arn: found.arn };
}

export interface Instance {
  readonly id: string;
  readonly imageId: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly profileArn: string;
  readonly tags: ReadonlyMap<string, string>;
}

/** A running instance. Throws RequestError 400 where there is none of that id. */
export async function findInstance(storage: ReadStorage, account: string, region: string, id: string): Promise<Instance> {
  const { Reservations = [] } = await withEc2(await accessFor(storage, account, "endpoint", region), (ec2) => attempt("error looking up the instance", ec2.describeInstances({ InstanceIds: [id] })));
  const found = Reservations.flatMap(({ Instances = [], OwnerId }) => Instances.map((one) => ({ ...one, OwnerId })));
  const [instance] = found;
  if (found.length !== 1 || !instance || instance.InstanceId !== id) throw invalid("EC2 knows no such instance");
  if (instance.OwnerId !== undefined && instance.OwnerId !== account) throw invalid("the instance belongs to another account");
  if (instance.State?.Name !== "running") throw invalid("instance is not in 'running' state");
  return { id, imageId: instance.ImageId ?? "", vpcId: instance.VpcId ?? "", subnetId: instance.SubnetId ?? "", profileArn: instance.IamInstanceProfile?.Arn ?? "", tags: new Map((instance.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value])) };
}

/** ARN of the role of an instance profile; empty where it has none. */
export async function roleOfProfile(storage: ReadStorage, profile: Principal): Promise<string> {
  const access = await accessFor(storage, profile.account, "iam_endpoint", IAM_REGIONS[profile.partition] ?? "us-east-1");
  const { InstanceProfile } = await withIam(access, (iam) => attempt("unable to look up the instance profile", iam.getInstanceProfile({ InstanceProfileName: profile.friendlyName })));
  return InstanceProfile?.Roles?.[0]?.Arn ?? "";
}

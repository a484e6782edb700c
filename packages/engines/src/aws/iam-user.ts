import type { IAM } from "@aws-sdk/client-iam";
import { withIam } from "../amazon/clients.js";
import type { AwsAccess } from "../amazon/clients.js";
import { attempt, isNotFound, unlessGone } from "../amazon/failure.js";
import type { Role } from "./storage.js";

export interface AccessKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Makes the user of a role, with all that it has. Throws RequestError; what was made by then is the intent's to undo. */
export async function createUser(access: AwsAccess, username: string, policyName: string, role: Role): Promise<AccessKey> {
  return withIam(access, async (iam) => {
    const UserName = username;
    const tags = Object.entries(role.iam_tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
    await attempt(
      "Error creating IAM user",
      iam.createUser({
        UserName,
        ...(role.user_path !== "" && { Path: role.user_path }),
        ...(role.permissions_boundary_arn !== "" && { PermissionsBoundary: role.permissions_boundary_arn }),
        ...(tags.length > 0 && { Tags: tags }),
      }),
    );
    for (const PolicyArn of role.policy_arns ?? []) await attempt("Error attaching user policy", iam.attachUserPolicy({ UserName, PolicyArn }));
    if (role.policy_document !== "") await attempt("Error putting user policy", iam.putUserPolicy({ UserName, PolicyName: policyName, PolicyDocument: role.policy_document }));
    for (const GroupName of role.iam_groups ?? []) await attempt("Error adding user to group", iam.addUserToGroup({ UserName, GroupName }));
    return createKey(iam, username);
  });
}

/** Throws RequestError. */
export async function createKey(iam: IAM, username: string): Promise<AccessKey> {
  const { AccessKey } = await attempt("Error creating access keys", iam.createAccessKey({ UserName: username }));
  if (!AccessKey?.AccessKeyId || !AccessKey.SecretAccessKey) throw new Error("AWS answered CreateAccessKey without a key");
  return { accessKey: AccessKey.AccessKeyId, secretKey: AccessKey.SecretAccessKey };
}

/** All of it, as often as it is called: a user who is gone, or half gone, is no error. Throws what AWS answers. */
export async function removeUser(access: AwsAccess, username: string): Promise<void> {
  await withIam(access, async (iam) => {
    const UserName = username;
    try {
      // Keys first: whatever fails then, nobody gets in any more.
      for (const { AccessKeyId } of (await iam.listAccessKeys({ UserName })).AccessKeyMetadata ?? []) await unlessGone(iam.deleteAccessKey({ UserName, AccessKeyId }));
      for (const { GroupName } of (await iam.listGroupsForUser({ UserName })).Groups ?? []) await unlessGone(iam.removeUserFromGroup({ UserName, GroupName }));
      for (const PolicyName of (await iam.listUserPolicies({ UserName })).PolicyNames ?? []) await unlessGone(iam.deleteUserPolicy({ UserName, PolicyName }));
      for (const { PolicyArn } of (await iam.listAttachedUserPolicies({ UserName })).AttachedPolicies ?? []) await unlessGone(iam.detachUserPolicy({ UserName, PolicyArn }));
      await unlessGone(iam.deleteUser({ UserName }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  });
}

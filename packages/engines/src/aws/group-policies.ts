import { withIam } from "../amazon/clients.js";
import type { AwsAccess } from "../amazon/clients.js";
import { attempt } from "../amazon/failure.js";
import type { Role } from "./storage.js";

/** What bounds credentials of STS. */
export interface SessionPolicies {
  /** Empty: none. */
  readonly document: string;
  readonly arns: readonly string[];
}

interface PolicyDocument {
  readonly Version?: string;
  readonly Statement?: unknown;
}

/** All statements of these documents in one: STS takes one. */
export function combineDocuments(documents: readonly string[]): string {
  const parsed = documents.filter((one) => one !== "").map((one) => JSON.parse(one) as PolicyDocument);
  if (parsed.length < 2) return parsed.length === 0 ? "" : JSON.stringify(parsed[0]);
  return JSON.stringify({ Version: "2012-10-17", Statement: parsed.flatMap(({ Statement = [] }) => (Array.isArray(Statement) ? (Statement as unknown[]) : [Statement])) });
}

/** A role's own policies, and those of its groups: a session cannot join a group. Throws RequestError. */
export async function sessionPolicies(access: AwsAccess, role: Role): Promise<SessionPolicies> {
  const groups = role.iam_groups ?? [];
  if (groups.length === 0) return { document: role.policy_document, arns: role.policy_arns ?? [] };
  return withIam(access, async (iam) => {
    const documents = [role.policy_document];
    const arns = [...(role.policy_arns ?? [])];
    for (const GroupName of groups) {
      const { PolicyNames = [] } = await attempt("Error listing the policies of a group", iam.listGroupPolicies({ GroupName }));
      for (const PolicyName of PolicyNames) {
        const { PolicyDocument = "" } = await attempt("Error reading the policy of a group", iam.getGroupPolicy({ GroupName, PolicyName }));
        documents.push(decodeURIComponent(PolicyDocument));
      }
      const { AttachedPolicies = [] } = await attempt("Error listing the policies of a group", iam.listAttachedGroupPolicies({ GroupName }));
      arns.push(...AttachedPolicies.flatMap(({ PolicyArn }) => PolicyArn ?? []));
    }
    return { document: combineDocuments(documents), arns: [...new Set(arns)] };
  });
}

import { parseArn } from "../amazon/arn.js";

/** Who an ARN of IAM or STS names. */
export interface Principal {
  readonly partition: string;
  readonly account: string;
  readonly type: "user" | "role" | "instance-profile";
  /** The last part of the name. */
  readonly friendlyName: string;
  /** Of an assumed role: the name of the session; of an EC2 instance that is its id. */
  readonly sessionName: string;
}

/** Undefined: it names no user, role, session of a role or instance profile. */
export function parsePrincipal(text: string): Principal | undefined {
  const arn = parseArn(text);
  if (!arn || (arn.service !== "iam" && arn.service !== "sts") || !/^\d+$/.test(arn.account)) return undefined;
  const [kind, ...names] = arn.resource.split("/");
  if (names.length === 0 || names.some((name) => name === "")) return undefined;
  const who = { partition: arn.partition, account: arn.account };
  if (kind === "assumed-role" && arn.service === "sts" && names.length === 2) return { ...who, type: "role", friendlyName: names[0]!, sessionName: names[1]! };
  if (arn.service !== "iam") return undefined;
  if (kind === "user" || kind === "role" || kind === "instance-profile") return { ...who, type: kind, friendlyName: names.at(-1)!, sessionName: "" };
  return undefined;
}

/** Without session and path: what a role binds, as long as it binds no unique ids. */
export const canonicalArn = ({ partition, account, type, friendlyName }: Principal): string => `arn:${partition}:iam::${account}:${type}/${friendlyName}`;

/** A `*` stands for anything, at the end only. */
export const isWildcard = (arn: string): boolean => arn.endsWith("*");
export const matchesWildcard = (pattern: string, arn: string): boolean => isWildcard(pattern) && arn.startsWith(pattern.slice(0, -1));

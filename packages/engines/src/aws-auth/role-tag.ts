import { createHmac, timingSafeEqual } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { Role } from "./storage.js";

/**
 * What a tag of an instance may say, to take away from what its role gives. It is signed with a key that the role has for this,
 * so that who may tag instances cannot invent one:
 *
 *     v1:<nonce>:r=<role>[:p=<policies>]:d=<bool>:m=<bool>[:i=<instance>][:t=<seconds>s]:<HMAC-SHA256, base64>
 *
 * https://developer.hashicorp.com/vault/api-docs/auth/aws#create-role-tag
 */
export interface RoleTag {
  readonly role: string;
  readonly nonce: string;
  /** Absent: those of the role. Empty: none of them. */
  readonly policies?: readonly string[];
  /** Seconds; 0: as the role says. */
  readonly maxTtl: number;
  /** Empty: any. */
  readonly instanceId: string;
  readonly allowInstanceMigration: boolean;
  readonly disallowReauthentication: boolean;
}

/** Whether a tag gives nothing that its role does not. */
export const isWithinRole = (policies: readonly string[], { tokens }: Role): boolean => policies.every((one) => one === "default" || tokens.parameters.token_policies.includes(one));

const VERSION = "v1";
/** EC2's limit of a tag's value, in characters. */
const MOST_CHARACTERS = 255;

const seal = (plain: string, key: string): string => createHmac("sha256", key).update(plain).digest("base64");

/** Throws RequestError 400 where the value would be too long for EC2. */
export function tagValue(tag: RoleTag, key: string): string {
  const parts = [
    VERSION,
    tag.nonce,
    `r=${tag.role}`,
    ...(tag.policies ? [`p=${tag.policies.join(",")}`] : []),
    `d=${tag.disallowReauthentication}`,
    `m=${tag.allowInstanceMigration}`,
    ...(tag.instanceId !== "" ? [`i=${tag.instanceId}`] : []),
    ...(tag.maxTtl > 0 ? [`t=${tag.maxTtl}s`] : []),
  ];
  const plain = parts.join(":");
  const value = `${plain}:${seal(plain, key)}`;
  if (value.length > MOST_CHARACTERS) throw invalid(`role tag of ${value.length} characters: EC2 takes no more than ${MOST_CHARACTERS}`);
  return value;
}

/** The role that a tag says to be of. It is not yet known to be true. */
export const roleNamed = (value: string): string | undefined => /:r=([^:]+):/.exec(value)?.[1];

/** Undefined unless it was made with this key. */
export function readTag(value: string, key: string): RoleTag | undefined {
  const cut = value.lastIndexOf(":");
  if (cut < 0 || value.length > MOST_CHARACTERS) return undefined;
  const plain = value.slice(0, cut);
  const [given, wanted] = [Buffer.from(value.slice(cut + 1)), Buffer.from(seal(plain, key))];
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const [version, nonce = "", ...rest] = plain.split(":");
  if (version !== VERSION) return undefined;
  const parts = new Map(rest.map((part) => [part.slice(0, 2), part.slice(2)]));
  const policies = parts.get("p=");
  return {
    role: parts.get("r=") ?? "",
    nonce,
    ...(policies !== undefined && { policies: policies.split(",").filter((name) => name !== "") }),
    maxTtl: Number.parseInt(parts.get("t=") ?? "0", 10),
    instanceId: parts.get("i=") ?? "",
    allowInstanceMigration: parts.get("m=") === "true",
    disallowReauthentication: parts.get("d=") === "true",
  };
}

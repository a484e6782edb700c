import { timingSafeEqual } from "node:crypto";
import { grantFor, invalid, loginDisplayName } from "@coffer/state-machine";
import type { EnvelopeResponse, LoginRenewal, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { checkInstance } from "./bindings.js";
import { verifiedDocument } from "./identity-document.js";
import type { IdentityDocument } from "./identity-document.js";
import type { LoginRequest } from "./path-login.js";
import { isWithinRole, readTag } from "./role-tag.js";
import type { RoleTag } from "./role-tag.js";
import { getAccess, getDenied, getIdentity, getRole, putAccess } from "./storage.js";
import type { AccessEntry, Role } from "./storage.js";

/** What a token remembers of the instance that logged in. */
interface Ec2LoginData {
  readonly auth_type: "ec2";
  readonly role_name: string;
  readonly role_id: string;
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  /** Seconds; 0: none. */
  readonly role_tag_max_ttl: number;
}

const MOST_OF_NONCE = 128;
/** What stands in the place of a nonce that nobody can have. */
const NO_NONCE = "reauthentication-disabled-nonce";

/**
 * Trust on first use: the document says which instance it is, but anything that runs there can read it. So the first who comes
 * with it fixes a nonce, and nobody without that comes in again. https://developer.hashicorp.com/vault/docs/auth/aws#client-nonce
 */
export async function ec2Login({ input, remoteAddress }: LoginRequest, storage: WriteStorage, mount: Mount): Promise<EnvelopeResponse> {
  const document = await verifiedDocument(storage, input);
  const roleName = (input.role || document.imageId).toLowerCase();
  const role = getRole(storage, roleName);
  if (!role) throw invalid(`entry for role ${JSON.stringify(roleName)} not found`);
  if (role.auth_type !== "ec2") throw invalid(`auth method ec2 not allowed for role ${JSON.stringify(roleName)}`);
  const place = { account: document.accountId, region: document.region, instanceId: document.instanceId };
  const { tags } = await checkInstance(storage, role, place);

  const earlier = getAccess(storage, document.instanceId);
  const tag = role.role_tag === "" ? undefined : tagOf(storage, roleName, role, document.instanceId, tags);
  const mayMigrate = role.allow_instance_migration || tag?.allowInstanceMigration === true;
  if (earlier) checkReturn(earlier, input.nonce ?? "", document.pendingMs, mayMigrate);
  const isOnce = input.nonce === "" || role.disallow_reauthentication || tag?.disallowReauthentication === true;
  const nonce = input.nonce ?? mount.env.uuid();
  if (!isOnce && nonce.length > MOST_OF_NONCE) throw invalid(`client nonce exceeding the limit of ${MOST_OF_NONCE} characters`);

  const tagMaxTtl = tag?.maxTtl ?? 0;
  const nowMs = mount.env.now();
  const { token_max_ttl } = role.tokens.parameters;
  putAccess(storage, document.instanceId, {
    role: earlier?.role ?? roleName,
    // Who migrated has a new one: it is a first login again.
    clientNonce: isOnce ? NO_NONCE : nonce,
    pendingMs: document.pendingMs,
    disallowReauthentication: isOnce,
    createdMs: earlier?.createdMs ?? nowMs,
    updatedMs: nowMs,
    // No token of this login lives longer.
    expiresMs: nowMs + Math.max(mount.maxLeaseTtlSeconds, token_max_ttl) * 1000,
  });

  const { ec2_alias, ec2_metadata } = getIdentity(storage);
  const known = metadataOf(document);
  const metadata = Object.fromEntries(ec2_metadata.map((name) => [name, known[name] ?? ""]));
  const internalData: Ec2LoginData = { auth_type: "ec2", role_name: roleName, role_id: role.role_id, ...place, role_tag_max_ttl: tagMaxTtl };
  const grant = grantFor(role.tokens, {
    displayName: loginDisplayName(mount, document.instanceId),
    metadata: { role: roleName, role_tag_max_ttl: `${tagMaxTtl}s`, ...metadata, ...(input.nonce === undefined && !isOnce && { nonce }) },
    alias: { name: { role_id: role.role_id, instance_id: document.instanceId, image_id: document.imageId }[ec2_alias] ?? role.role_id, metadata },
    internalData: { ...internalData },
    remoteAddress,
  });
  return { kind: "envelope", data: null, grant: { ...grant, maxTtlSeconds: shorter(token_max_ttl, tagMaxTtl), ...(tag?.policies && { policies: tag.policies }) } };
}

const metadataOf = ({ accountId, imageId, instanceId, region }: IdentityDocument): Readonly<Record<string, string>> => ({
  account_id: accountId, ami_id: imageId, auth_type: "ec2", instance_id: instanceId, region,
});

/** Seconds, of which 0 is without limit. */
const shorter = (a: number, b: number): number => (a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b));

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Whether who comes again is who came before. Throws RequestError 400. */
function checkReturn(earlier: AccessEntry, nonce: string, pendingMs: number, mayMigrate: boolean): void {
  if (earlier.disallowReauthentication || isSame(nonce, NO_NONCE)) throw invalid("reauthentication is disabled");
  if (!isSame(nonce, earlier.clientNonce)) {
    if (!mayMigrate) throw invalid("client nonce mismatch");
    if (pendingMs <= earlier.pendingMs) throw invalid("client nonce mismatch and instance meta-data incorrect");
  }
  if (pendingMs < earlier.pendingMs) throw invalid("instance meta-data is older than the one used for previous login");
}

/** The role tag that an instance has, and must have. Throws RequestError 400. */
function tagOf(storage: ReadStorage, roleName: string, role: Role, instanceId: string, tags: ReadonlyMap<string, string>): RoleTag {
  const value = tags.get(role.role_tag);
  if (value === undefined || value === "") throw invalid(`missing tag with key ${JSON.stringify(role.role_tag)} on the instance`);
  const tag = readTag(value, role.hmac_key);
  if (!tag) throw invalid("role tag HMAC verification failed");
  if (tag.role !== roleName) throw invalid("role on the role tag does not match the role of the login");
  if (tag.instanceId !== "" && tag.instanceId !== instanceId) throw invalid("role tag is being used by an unauthorized instance");
  if (getDenied(storage, value)) throw invalid("role tag is deny listed");
  if (tag.policies && !isWithinRole(tag.policies, role)) throw invalid("policies on the role tag must be subset of policies on the role");
  return tag;
}

export const isEc2Login = (data: Readonly<Record<string, unknown>>): boolean => data["auth_type"] === "ec2";

/** The role must be the one that it was, and the instance still run, as the role wants it. */
export async function renewEc2(data: Readonly<Record<string, unknown>>, storage: ReadStorage): Promise<LoginRenewal> {
  const { role_name, role_id, account, region, instanceId, role_tag_max_ttl } = data as unknown as Ec2LoginData;
  const role = getRole(storage, role_name);
  if (!role || role.role_id !== role_id) throw invalid(`role ${JSON.stringify(role_name)} of this login is gone`);
  await checkInstance(storage, role, { account, region, instanceId });
  const { token_ttl, token_max_ttl, token_period } = role.tokens.parameters;
  return { ttlSeconds: token_ttl, maxTtlSeconds: shorter(token_max_ttl, role_tag_max_ttl), periodSeconds: token_period };
}

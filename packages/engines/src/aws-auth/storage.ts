import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, RoleTokens, WriteStorage } from "@coffer/state-machine";
import type { AwsAccess } from "../amazon/clients.js";
import type { AutomatedRotation } from "../rotation/automated.js";

/**
 * What the method stores below its mount:
 *
 *     config/client           how AWS is reached, and what logins must bring
 *     config/identity         what becomes of who logged in: alias and metadata
 *     sts/<account>           which role is assumed to ask about principals of another account
 *     certificate/<name>      whose signature of an instance's identity document is believed, beside AWS's own
 *     access/<instance>       the login that an instance has made
 *     denied-tag/<tag>        role tags that are no longer good, in base64url
 *     tidy/<list>             how the two lists before are tidied, and how far that is
 *     role/<name>             who may log in, and what they get; names are lower case
 */
export interface ClientConfig {
  readonly access_key: string;
  readonly secret_key: string;
  /** Of EC2. */
  readonly endpoint: string;
  readonly iam_endpoint: string;
  readonly sts_endpoint: string;
  readonly sts_region: string;
  readonly use_sts_region_from_client: boolean;
  readonly iam_server_id_header_value: string;
  readonly allowed_sts_header_values: readonly string[];
  readonly max_retries: number;
  /** Of the access key, by itself. Absent: written before there was any. */
  readonly rotation?: AutomatedRotation;
}

export interface IdentityConfig {
  readonly iam_alias: string;
  readonly iam_metadata: readonly string[];
  readonly ec2_alias: string;
  readonly ec2_metadata: readonly string[];
}

export interface StsAccount {
  readonly sts_role: string;
  readonly external_id: string;
}

export interface Bounds {
  readonly bound_ami_id: readonly string[];
  readonly bound_account_id: readonly string[];
  readonly bound_ec2_instance_id: readonly string[];
  readonly bound_iam_principal_arn: readonly string[];
  readonly bound_iam_role_arn: readonly string[];
  readonly bound_iam_instance_profile_arn: readonly string[];
  readonly bound_region: readonly string[];
  readonly bound_subnet_id: readonly string[];
  readonly bound_vpc_id: readonly string[];
}

export interface Role extends Bounds {
  readonly role_id: string;
  readonly auth_type: "iam" | "ec2";
  /** AWS's ids of the principals, where they were looked up: a principal that is made anew under the same name is another one. */
  readonly bound_iam_principal_id: readonly string[];
  readonly inferred_entity_type: "" | "ec2_instance";
  readonly inferred_aws_region: string;
  readonly resolve_aws_unique_ids: boolean;
  /** Of type ec2, as are the three that follow: the key of the tag that an instance must have. Empty: none. */
  readonly role_tag: string;
  readonly allow_instance_migration: boolean;
  readonly disallow_reauthentication: boolean;
  /** Signs role tags. Never shown. */
  readonly hmac_key: string;
  readonly tokens: RoleTokens;
}

export interface TrustedCertificate {
  /** PEM. */
  readonly aws_public_cert: string;
  readonly type: "pkcs7" | "identity";
}

/** The login that an instance has made: who comes a second time must be the same. Milliseconds since 1970. */
export interface AccessEntry {
  readonly role: string;
  readonly clientNonce: string;
  readonly pendingMs: number;
  readonly disallowReauthentication: boolean;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly expiresMs: number;
}

/** Milliseconds since 1970. */
export interface DeniedTag {
  readonly createdMs: number;
  readonly expiresMs: number;
}

export type TidiedList = "identity-accesslist" | "roletag-denylist";

export interface TidyState {
  /** Absent: never configured. */
  readonly config?: TidyConfig;
  /** Milliseconds: of the next round. */
  readonly dueMs: number;
  /** Of a round that is under way: the last name that was looked at. */
  readonly after: string;
  /** Of a round that was asked for: how long, in seconds, an entry stays after its end. */
  readonly safetyBuffer?: number;
}

export interface TidyConfig {
  /** Seconds. */
  readonly safety_buffer: number;
  readonly disable_periodic_tidy: boolean;
}

const clientCodec = jsonCodec<ClientConfig>();
const identityCodec = jsonCodec<IdentityConfig>();
const stsCodec = jsonCodec<StsAccount>();
const roleCodec = jsonCodec<Role>();
const certificateCodec = jsonCodec<TrustedCertificate>();
const accessCodec = jsonCodec<AccessEntry>();
const deniedCodec = jsonCodec<DeniedTag>();
const tidyCodec = jsonCodec<TidyState>();
const CLIENT = "config/client";
const IDENTITY = "config/identity";
export const STS_ACCOUNTS = "sts/";
export const ROLES = "role/";
export const CERTIFICATES = "certificate/";
export const ACCESS_LIST = "access/";
export const DENY_LIST = "denied-tag/";

export const NO_CLIENT: ClientConfig = Object.freeze({
  access_key: "", secret_key: "", endpoint: "", iam_endpoint: "", sts_endpoint: "", sts_region: "", use_sts_region_from_client: false, iam_server_id_header_value: "", allowed_sts_header_values: [], max_retries: -1,
});
/** As Vault has it; `default` in a list stands for these. */
export const DEFAULT_METADATA = Object.freeze(["account_id", "auth_type"]);
const DEFAULT_IDENTITY: IdentityConfig = Object.freeze({ iam_alias: "role_id", iam_metadata: DEFAULT_METADATA, ec2_alias: "role_id", ec2_metadata: DEFAULT_METADATA });

export const getClient = (storage: ReadStorage) => storage.get(CLIENT, clientCodec);
export const putClient = (storage: WriteStorage, config: ClientConfig) => storage.put(CLIENT, clientCodec, config);
export const deleteClient = (storage: WriteStorage) => storage.delete(CLIENT);
export const getIdentity = (storage: ReadStorage) => storage.get(IDENTITY, identityCodec) ?? DEFAULT_IDENTITY;
export const putIdentity = (storage: WriteStorage, config: IdentityConfig) => storage.put(IDENTITY, identityCodec, config);
export const getStsAccount = (storage: ReadStorage, account: string) => storage.get(STS_ACCOUNTS + account, stsCodec);
export const putStsAccount = (storage: WriteStorage, account: string, entry: StsAccount) => storage.put(STS_ACCOUNTS + account, stsCodec, entry);
export const deleteStsAccount = (storage: WriteStorage, account: string) => storage.delete(STS_ACCOUNTS + account);
export const getCertificate = (storage: ReadStorage, name: string) => storage.get(CERTIFICATES + name, certificateCodec);
export const putCertificate = (storage: WriteStorage, name: string, entry: TrustedCertificate) => storage.put(CERTIFICATES + name, certificateCodec, entry);
export const deleteCertificate = (storage: WriteStorage, name: string) => storage.delete(CERTIFICATES + name);
export const getAccess = (storage: ReadStorage, instance: string) => storage.get(ACCESS_LIST + instance, accessCodec);
export const putAccess = (storage: WriteStorage, instance: string, entry: AccessEntry) => storage.put(ACCESS_LIST + instance, accessCodec, entry);
export const deleteAccess = (storage: WriteStorage, instance: string) => storage.delete(ACCESS_LIST + instance);
const deniedKey = (tag: string) => DENY_LIST + Buffer.from(tag).toString("base64url");
export const getDenied = (storage: ReadStorage, tag: string) => storage.get(deniedKey(tag), deniedCodec);
export const putDenied = (storage: WriteStorage, tag: string, entry: DeniedTag) => storage.put(deniedKey(tag), deniedCodec, entry);
export const deleteDenied = (storage: WriteStorage, tag: string) => storage.delete(deniedKey(tag));
const NEVER_TIDIED: TidyState = Object.freeze({ dueMs: 0, after: "" });
export const getTidy = (storage: ReadStorage, list: TidiedList) => storage.get(`tidy/${list}`, tidyCodec) ?? NEVER_TIDIED;
export const putTidy = (storage: WriteStorage, list: TidiedList, state: TidyState) => storage.put(`tidy/${list}`, tidyCodec, state);
const NO_TAG = { role_tag: "", allow_instance_migration: false, disallow_reauthentication: false, hmac_key: "" };
export const getRole = (storage: ReadStorage, name: string): Role | undefined => {
  const role = storage.get(ROLES + name.toLowerCase(), roleCodec);
  // Roles of before there was type ec2 have none of its fields.
  return role && { ...NO_TAG, ...role };
};
export const putRole = (storage: WriteStorage, name: string, role: Role) => storage.put(ROLES + name.toLowerCase(), roleCodec, role);
export const deleteRole = (storage: WriteStorage, name: string) => storage.delete(ROLES + name.toLowerCase());

/** AWS as the method itself, for the service at `endpoint`. */
export function ownAccess(storage: ReadStorage, endpoint: "endpoint" | "iam_endpoint" | "sts_endpoint", region = ""): AwsAccess {
  const config = getClient(storage) ?? NO_CLIENT;
  return { accessKey: config.access_key, secretKey: config.secret_key, region: region || (endpoint === "sts_endpoint" ? config.sts_region : ""), endpoint: config[endpoint], maxRetries: config.max_retries };
}

export const ownIamAccess = (storage: ReadStorage): AwsAccess => ownAccess(storage, "iam_endpoint");

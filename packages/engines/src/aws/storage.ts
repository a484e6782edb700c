import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { AwsAccess } from "../amazon/clients.js";
import type { AutomatedRotation } from "../rotation/automated.js";

/**
 * What the engine stores below its mount:
 *
 *     config/root                 how AWS is reached, and as whom
 *     config/lease                how long IAM users live
 *     role/<name>                 what credentials of a role are like
 *     static-role/<name>          an IAM user whose key is rotated here
 *     static-creds/<name>         its key
 *     static-due/<ms>/<name>      when it is rotated next: zero-padded, so that what is due comes first
 */
export interface RootConfig {
  readonly access_key: string;
  readonly secret_key: string;
  readonly region: string;
  readonly iam_endpoint: string;
  readonly sts_endpoint: string;
  readonly sts_region: string;
  /** One region each; absent in what an older version stored. */
  readonly sts_fallback_endpoints?: readonly string[];
  readonly sts_fallback_regions?: readonly string[];
  readonly max_retries: number;
  readonly username_template: string;
  /** Rotation of the access key by itself; absent in what an older version stored. */
  readonly rotation?: AutomatedRotation;
}

/** Seconds. */
export interface LeaseConfig {
  readonly lease: number;
  readonly lease_max: number;
}

export const CREDENTIAL_TYPES = ["iam_user", "assumed_role", "federation_token", "session_token"] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** As it is shown; null: never given. */
export interface Role {
  /** Two (iam_user, federation_token) for a role that was written with the older `policy`. */
  readonly credential_types: readonly CredentialType[];
  readonly policy_arns: readonly string[] | null;
  readonly role_arns: readonly string[] | null;
  /** Compact JSON. */
  readonly policy_document: string;
  readonly iam_groups: readonly string[] | null;
  readonly iam_tags: Readonly<Record<string, string>> | null;
  readonly session_tags: Readonly<Record<string, string>> | null;
  readonly external_id: string;
  readonly default_sts_ttl: number;
  readonly max_sts_ttl: number;
  readonly user_path: string;
  readonly permissions_boundary_arn: string;
  readonly mfa_serial_number: string;
}

const rootCodec = jsonCodec<RootConfig>();
const leaseCodec = jsonCodec<LeaseConfig>();
const roleCodec = jsonCodec<Role>();
const ROOT = "config/root";
const LEASE = "config/lease";
export const ROLES = "role/";

export const getRoot = (storage: ReadStorage) => storage.get(ROOT, rootCodec);
export const putRoot = (storage: WriteStorage, config: RootConfig) => storage.put(ROOT, rootCodec, config);
export const getLease = (storage: ReadStorage) => storage.get(LEASE, leaseCodec);
export const putLease = (storage: WriteStorage, config: LeaseConfig) => storage.put(LEASE, leaseCodec, config);
export const getRole = (storage: ReadStorage, name: string) => storage.get(ROLES + name, roleCodec);
export const putRole = (storage: WriteStorage, name: string, role: Role) => storage.put(ROLES + name, roleCodec, role);
export const deleteRole = (storage: WriteStorage, name: string) => storage.delete(ROLES + name);

const AS_FOUND: RootConfig = { access_key: "", secret_key: "", region: "", iam_endpoint: "", sts_endpoint: "", sts_region: "", max_retries: -1, username_template: "" };

function access(storage: ReadStorage): Omit<AwsAccess, "endpoint"> & { readonly config: RootConfig } {
  const config = getRoot(storage) ?? AS_FOUND;
  return { config, accessKey: config.access_key, secretKey: config.secret_key, region: config.region, maxRetries: config.max_retries };
}

export function iamAccess(storage: ReadStorage): AwsAccess {
  const { config, ...rest } = access(storage);
  return { ...rest, endpoint: config.iam_endpoint };
}

/** With those to fall back to behind the first. */
export function stsAccess(storage: ReadStorage): readonly [AwsAccess, ...AwsAccess[]] {
  const { config, ...rest } = access(storage);
  const { sts_fallback_endpoints: endpoints = [], sts_fallback_regions: regions = [] } = config;
  return [{ ...rest, endpoint: config.sts_endpoint, region: config.sts_region || rest.region }, ...endpoints.map((endpoint, i) => ({ ...rest, endpoint, region: regions[i] ?? rest.region }))];
}

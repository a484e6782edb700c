import { createHmac } from "node:crypto";
import { jsonCodec } from "@coffer/state-machine";
import type { Codec, Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";

/**
 * What the engine stores below its mount:
 *
 *     issuer/<id>, issuer-name/<name>, config/issuers   see issuer-storage.ts
 *     config/zeroaddress   roles that take any address
 *     role/<name>          a role
 *     salt                 what one-time passwords are hashed with
 *     otp/<hmac>           a one-time password that was not used yet
 */
export interface OtpRole {
  readonly key_type: "otp";
  readonly default_user: string;
  readonly cidr_list: string;
  readonly exclude_cidr_list: string;
  readonly port: number;
  readonly allowed_users: string;
}

/** As it is shown; seconds. */
export interface CaRole {
  readonly key_type: "ca";
  readonly allowed_users: string;
  readonly allowed_users_template: boolean;
  readonly allowed_domains: string;
  readonly allowed_domains_template: boolean;
  readonly default_user: string;
  readonly default_user_template: boolean;
  readonly ttl: number;
  readonly max_ttl: number;
  readonly allowed_critical_options: string;
  readonly allowed_extensions: string;
  readonly allow_user_certificates: boolean;
  readonly allow_host_certificates: boolean;
  readonly allow_bare_domains: boolean;
  readonly allow_subdomains: boolean;
  readonly allow_user_key_ids: boolean;
  readonly allow_empty_principals: boolean;
  readonly key_id_format: string;
  readonly default_critical_options: Readonly<Record<string, string>>;
  readonly default_extensions: Readonly<Record<string, string>>;
  readonly default_extensions_template: boolean;
  readonly allowed_user_key_lengths: Readonly<Record<string, readonly number[]>>;
  readonly algorithm_signer: "default" | "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512";
  readonly not_before_duration: number;
  readonly allow_commas_in_identity_templates: boolean;
  /** Name or id of the issuer that signs, or "default". */
  readonly issuer_ref: string;
}

export type Role = OtpRole | CaRole;

export interface Otp {
  readonly username: string;
  readonly ip: string;
  readonly role_name: string;
}

const roleJson = jsonCodec<Role>();
/** What roles did not have at first. */
const ADDED = { issuer_ref: "default", allow_commas_in_identity_templates: false };
const roleCodec: Codec<Role> = {
  ...roleJson,
  decode(bytes) {
    const role = roleJson.decode(bytes);
    return role.key_type === "ca" ? { ...ADDED, ...role } : role;
  },
};
const otpCodec = jsonCodec<Otp>();
const namesCodec = jsonCodec<readonly string[]>();
const saltCodec = jsonCodec<string>();
const ZERO_ADDRESS = "config/zeroaddress";
const SALT = "salt";
const SALT_BYTES = 32;
export const ROLES = "role/";

export const getRole = (storage: ReadStorage, name: string) => storage.get(ROLES + name, roleCodec);
export const putRole = (storage: WriteStorage, name: string, role: Role) => storage.put(ROLES + name, roleCodec, role);
export const deleteRole = (storage: WriteStorage, name: string) => storage.delete(ROLES + name);
export const zeroAddressRoles = (storage: ReadStorage) => storage.get(ZERO_ADDRESS, namesCodec);
export const putZeroAddressRoles = (storage: WriteStorage, names: readonly string[]) => storage.put(ZERO_ADDRESS, namesCodec, names);
export const deleteZeroAddressRoles = (storage: WriteStorage) => storage.delete(ZERO_ADDRESS);

const otpKey = (salt: string, otp: string) => `otp/${createHmac("sha256", Buffer.from(salt, "hex")).update(otp).digest("hex")}`;

export function putOtp(storage: WriteStorage, otp: string, value: Otp, env: Environment): void {
  let salt = storage.get(SALT, saltCodec);
  if (salt === undefined) {
    salt = Buffer.from(env.randomBytes(SALT_BYTES)).toString("hex");
    storage.put(SALT, saltCodec, salt);
  }
  storage.put(otpKey(salt, otp), otpCodec, value);
}

/** What it is for, if it was not used yet. It is found by its HMAC, which tells nothing of others. */
export function getOtp(storage: ReadStorage, otp: string): Otp | undefined {
  const salt = storage.get(SALT, saltCodec);
  return salt === undefined ? undefined : storage.get(otpKey(salt, otp), otpCodec);
}

export function deleteOtp(storage: WriteStorage, otp: string): void {
  const salt = storage.get(SALT, saltCodec);
  if (salt !== undefined) storage.delete(otpKey(salt, otp));
}

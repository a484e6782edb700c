import { jsonCodec } from "@coffer/state-machine";
import type { ListOptions, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { JWK } from "jose";

/**
 * What ACME keeps:
 *
 *     config/acme, acme/secret          settings; the key that nonces are made with
 *     acme/nonce/<ms>/<nonce>           nonces that were used, until they would have ended anyhow
 *     acme/account/<id>, acme/thumbprint/<key's thumbprint>
 *     acme/order/<account>/<id>, acme/authz/<id>
 *     acme/due/<ms>/<authz>/<challenge> validations to be done, by when
 *     acme/eab/<id>                     keys for external account binding that nobody has used
 */
export interface AcmeConfig {
  readonly enabled: boolean;
  readonly allowed_roles: readonly string[];
  readonly allowed_issuers: readonly string[];
  readonly allow_role_ext_key_usage: boolean;
  /** `forbid`, `sign-verbatim` or `role:<name>`. */
  readonly default_directory_policy: string;
  readonly dns_resolver: string;
  readonly eab_policy: string;
  /** Seconds. */
  readonly max_ttl: number;
}

export interface Account {
  readonly id: string;
  readonly jwk: JWK;
  readonly status: "valid" | "deactivated" | "revoked";
  readonly contact: readonly string[];
  readonly termsOfServiceAgreed: boolean;
  readonly eabId: string;
  /** The directory it was made through: keys are not known to others. */
  readonly directory: string;
  /** Milliseconds since 1970; absent of accounts that are older than this field. */
  readonly createdMs?: number;
  /** When it was deactivated or revoked. */
  readonly closedMs?: number;
  /** The latest end of its orders that are gone, and of their certificates. */
  readonly lastEndMs?: number;
}

export interface Identifier {
  readonly type: "dns" | "ip";
  readonly value: string;
}

export type ChallengeType = "http-01" | "dns-01" | "tls-alpn-01";

export interface Challenge {
  readonly type: ChallengeType;
  readonly token: string;
  readonly status: "pending" | "processing" | "valid" | "invalid";
  readonly attempts: number;
  readonly validatedMs: number;
  readonly error: string;
}

export interface Authorization {
  readonly id: string;
  readonly accountId: string;
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly status: "pending" | "valid" | "invalid" | "deactivated";
  readonly expiresMs: number;
  readonly challenges: readonly Challenge[];
}

export interface Order {
  readonly id: string;
  readonly accountId: string;
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly string[];
  readonly expiresMs: number;
  /** Empty until it is finalized. */
  readonly serial: string;
  readonly chain: readonly string[];
  /** Milliseconds since 1970. */
  readonly certificateExpiresMs?: number;
}

export interface EabKey {
  readonly id: string;
  /** Base64url. */
  readonly key: string;
  readonly createdMs: number;
  readonly directory: string;
}

const configCodec = jsonCodec<AcmeConfig>();
const textCodec = jsonCodec<string>();
const accountCodec = jsonCodec<Account>();
const orderCodec = jsonCodec<Order>();
const authorizationCodec = jsonCodec<Authorization>();
const eabCodec = jsonCodec<EabKey>();
const emptyCodec = jsonCodec<Record<string, never>>();

const DEFAULTS: AcmeConfig = Object.freeze({ enabled: false, allowed_roles: ["*"], allowed_issuers: ["*"], allow_role_ext_key_usage: false, default_directory_policy: "sign-verbatim", dns_resolver: "", eab_policy: "not-required", max_ttl: 7_776_000 });
const stamp = (ms: number) => String(ms).padStart(15, "0");

export const getAcmeConfig = (storage: ReadStorage): AcmeConfig => storage.get("config/acme", configCodec) ?? DEFAULTS;
export const putAcmeConfig = (storage: WriteStorage, config: AcmeConfig): void => storage.put("config/acme", configCodec, config);
export const getAcmeSecret = (storage: ReadStorage): string | undefined => storage.get("acme/secret", textCodec);
export const putAcmeSecret = (storage: WriteStorage, secret: string): void => storage.put("acme/secret", textCodec, secret);
export const isNonceUsed = (storage: ReadStorage, nonce: string, endsMs: number): boolean => storage.get(`acme/nonce/${stamp(endsMs)}/${nonce}`, emptyCodec) !== undefined;
export const useNonce = (storage: WriteStorage, nonce: string, endsMs: number): void => storage.put(`acme/nonce/${stamp(endsMs)}/${nonce}`, emptyCodec, {});

export const getAccount = (storage: ReadStorage, id: string): Account | undefined => storage.get(`acme/account/${id}`, accountCodec);
export const accountIds = (storage: ReadStorage, options: ListOptions): Promise<string[]> => storage.list("acme/account/", options);
const thumbprintKey = (directory: string, thumbprint: string) => `acme/thumbprint/${thumbprint}${directory.replaceAll("/", ".")}`;
export const accountIdOf = (storage: ReadStorage, directory: string, thumbprint: string): string | undefined => storage.get(thumbprintKey(directory, thumbprint), textCodec);
export const putAccount = (storage: WriteStorage, account: Account): void => storage.put(`acme/account/${account.id}`, accountCodec, account);
export const putThumbprint = (storage: WriteStorage, directory: string, thumbprint: string, id: string): void => storage.put(thumbprintKey(directory, thumbprint), textCodec, id);
export const deleteThumbprint = (storage: WriteStorage, directory: string, thumbprint: string): void => storage.delete(thumbprintKey(directory, thumbprint));

export function deleteAccount(storage: WriteStorage, { id, directory }: Account, thumbprint: string): void {
  deleteThumbprint(storage, directory, thumbprint);
  storage.delete(`acme/account/${id}`);
}

export const getOrder = (storage: ReadStorage, accountId: string, id: string): Order | undefined => storage.get(`acme/order/${accountId}/${id}`, orderCodec);
export const putOrder = (storage: WriteStorage, order: Order): void => storage.put(`acme/order/${order.accountId}/${order.id}`, orderCodec, order);
export const orderIds = (storage: ReadStorage, accountId: string, options: ListOptions = {}): Promise<string[]> => storage.list(`acme/order/${accountId}/`, options);
/** "<account>/<order>" of all accounts. */
export const orderKeys = (storage: ReadStorage, options: ListOptions): Promise<string[]> => storage.keys("acme/order/", options);

export function deleteOrder(storage: WriteStorage, { id, accountId, authorizations }: Order): void {
  for (const authorization of authorizations) storage.delete(`acme/authz/${authorization}`);
  storage.delete(`acme/order/${accountId}/${id}`);
}
export const getAuthorization = (storage: ReadStorage, id: string): Authorization | undefined => storage.get(`acme/authz/${id}`, authorizationCodec);
export const putAuthorization = (storage: WriteStorage, authorization: Authorization): void => storage.put(`acme/authz/${authorization.id}`, authorizationCodec, authorization);

export const getEab = (storage: ReadStorage, id: string): EabKey | undefined => storage.get(`acme/eab/${id}`, eabCodec);
export const putEab = (storage: WriteStorage, eab: EabKey): void => storage.put(`acme/eab/${eab.id}`, eabCodec, eab);
export const deleteEab = (storage: WriteStorage, id: string): void => storage.delete(`acme/eab/${id}`);
export const eabIds = (storage: ReadStorage, options: ListOptions = {}): Promise<string[]> => storage.list("acme/eab/", options);

export interface DueValidation {
  readonly key: string;
  readonly authorizationId: string;
  readonly type: ChallengeType;
}

export const scheduleValidation = (storage: WriteStorage, dueMs: number, authorizationId: string, type: ChallengeType): void => storage.put(`acme/due/${stamp(dueMs)}/${authorizationId}/${type}`, emptyCodec, {});
export const forgetValidation = (storage: WriteStorage, { key }: DueValidation): void => storage.delete(`acme/due/${key}`);

export async function dueValidations(storage: ReadStorage, nowMs: number, limit: number): Promise<DueValidation[]> {
  return (await storage.keys("acme/due/", { limit })).filter((key) => key.slice(0, 15) <= stamp(nowMs)).map((key) => {
    const [, authorizationId, type] = key.split("/") as [string, string, ChallengeType];
    return { key, authorizationId, type };
  });
}

/** Used nonces that have ended. True: more are left. */
export async function forgetNonces(storage: WriteStorage, nowMs: number, limit: number): Promise<boolean> {
  const ended = (await storage.keys("acme/nonce/", { limit })).filter((key) => key.slice(0, 15) < stamp(nowMs));
  for (const key of ended) storage.delete(`acme/nonce/${key}`);
  return ended.length === limit;
}

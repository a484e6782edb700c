import type { ExportFormat, Period } from "../activity/index.js";
import type { RevokeNow } from "../leases/index.js";
import type { Caller, MountConfig, MountEntry, Neighbour } from "../framework/engine.js";
import type { Response } from "../framework/response.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import type { TokenEntry } from "../tokens/index.js";

/**
 * What the sys/ backend asks of the neighbouring rooms (mounts, policies, tokens, leases, audit, wrapping). Every function
 * takes the request's own storage view of `core/`, so that whatever it changes commits with the request or not at all.
 * Functions throw RequestError for what the caller did wrong.
 */
export type Awaitable<T> = T | Promise<T>;

export type MountTableName = MountEntry["table"];

export interface MountRequest {
  readonly table: MountTableName;
  /** Ends in `/`, without `auth/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly local: boolean;
  readonly sealWrap: boolean;
  readonly externalEntropyAccess: boolean;
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: Partial<MountConfig>;
}

/** Only what the caller sent. */
export interface MountChange {
  readonly description?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly config: Partial<MountConfig>;
}

export interface MountTable {
  list(storage: ReadStorage, table: MountTableName): Awaitable<readonly MountEntry[]>;
  /** The mount at exactly this path (ends in `/`). */
  get(storage: ReadStorage, table: MountTableName, path: string): Awaitable<MountEntry | undefined>;
  /** The mount that answers requests for this full path. */
  owner(storage: ReadStorage, fullPath: string): Awaitable<MountEntry | undefined>;
  /** Its TTLs in seconds with the system's defaults filled in. */
  effectiveTtls(entry: MountEntry): { readonly defaultSeconds: number; readonly maxSeconds: number };
  /** Checks the path is free and allowed and the type known. */
  enable(storage: WriteStorage, request: MountRequest): Awaitable<void>;
  /** Absent mounts are no error. Revokes its leases. */
  disable(storage: WriteStorage, table: MountTableName, path: string): Awaitable<void>;
  tune(storage: WriteStorage, table: MountTableName, path: string, change: MountChange): Awaitable<void>;
  /** Full paths (with `auth/` where it is an auth mount), each ending in `/`. Returns the migration's id, and what the caller should know. */
  remount(storage: WriteStorage, from: string, to: string): Awaitable<{ readonly id: string; readonly warnings: readonly string[] }>;
  remountStatus(storage: ReadStorage, migrationId: string): Awaitable<{ readonly from: string; readonly to: string; readonly status: string } | undefined>;
}

export interface StoredPolicy {
  readonly name: string;
  readonly text: string;
}

/** Names arrive lower-cased. */
export interface PolicyStore {
  /** `root` included. */
  list(storage: ReadStorage): Awaitable<readonly string[]>;
  read(storage: ReadStorage, name: string): Awaitable<StoredPolicy | undefined>;
  /** Parses first; throws RequestError with the parser's place and text. */
  write(storage: WriteStorage, name: string, text: string): Awaitable<void>;
  remove(storage: WriteStorage, name: string): Awaitable<void>;
}

export interface AccessControl {
  /** Sorted capability names, `["root"]` or `["deny"]`. */
  capabilities(storage: ReadStorage, caller: Caller, path: string): Awaitable<readonly string[]>;
  /** The bearer of a token or accessor, or undefined. */
  bearer(storage: ReadStorage, by: { readonly token: string } | { readonly accessor: string }): Awaitable<Caller | undefined>;
  /** Whether any of the caller's rules reaches something below this full path (ends in `/`). */
  mayReach(storage: ReadStorage, caller: Caller, fullPath: string): Awaitable<boolean>;
  /** The rules themselves: `{root: true}` or `{exact_paths, glob_paths}`. */
  resultant(storage: ReadStorage, caller: Caller): Awaitable<Readonly<Record<string, unknown>>>;
}

export interface LeaseView {
  readonly id: string;
  /** RFC 3339. */
  readonly issueTime: string;
  readonly expireTime: string | null;
  readonly lastRenewal: string | null;
  readonly renewable: boolean;
  readonly ttlSeconds: number;
}

/** The mounts that leases came from, by uuid. */
export type Neighbours = (uuid: string) => Neighbour | undefined;

/**
 * Later: they end now, and the active node revokes them in slices. Now: the request waits until all are revoked, each in a
 * write set of its own; `force` forgets those whose revocation fails.
 */
export type RevocationOrder = { readonly kind: "later" } | ({ readonly kind: "now" } & RevokeNow);

export interface IrrevocableLease {
  readonly id: string;
  readonly mountAccessor: string;
  readonly error: string;
}

/** Tokens that end are leases too; only leased secrets are renewed here. Ids from before a mount was moved are known. */
export interface LeaseTable {
  lookup(storage: ReadStorage, id: string): Awaitable<LeaseView | undefined>;
  /** Direct children of a prefix; folders end in `/`. */
  list(storage: ReadStorage, prefix: string): Awaitable<readonly string[]>;
  renew(storage: WriteStorage, id: string, incrementSeconds: number, neighbour: Neighbours): Awaitable<{ readonly id: string; readonly renewable: boolean; readonly durationSeconds: number; readonly warnings: readonly string[] }>;
  /** An unknown lease is no error. Without `sync` it ends now, and the active node revokes it soon; with it the request does. */
  revoke(storage: WriteStorage, id: string, sync: Neighbours | undefined): Awaitable<void>;
  /** Leases at and below a path, and the tokens that were made there. */
  revokePrefix(storage: WriteStorage, prefix: string, how: RevocationOrder): Awaitable<void>;
  /** False where it is under way already. */
  tidy(storage: WriteStorage): Awaitable<boolean>;
  irrevocable(storage: ReadStorage): Awaitable<readonly IrrevocableLease[]>;
}

export interface AuditDevice {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
}

export interface AuditTable {
  list(storage: ReadStorage): Awaitable<readonly AuditDevice[]>;
  enable(storage: WriteStorage, device: AuditDevice): Awaitable<void>;
  /** An unknown device is no error. */
  disable(storage: WriteStorage, path: string): Awaitable<void>;
  /** `hmac-sha256:<hex>`, or undefined for an unknown device. */
  hash(storage: ReadStorage, path: string, input: string): Awaitable<string | undefined>;
}

/** The token in the body, or else the one the request came with, by its storage id. */
export type WrappingToken = { readonly token: string } | { readonly tokenId: string };

/** All give undefined for a token that is no (longer a) wrapping token. */
export interface WrappingTokens {
  isWrapping(storage: ReadStorage, token: string): boolean;
  /** Uses the token up. */
  unwrap(storage: WriteStorage, token: WrappingToken): Awaitable<Response | undefined>;
  lookup(storage: ReadStorage, token: WrappingToken): Awaitable<{ readonly creationPath: string; readonly creationTime: string; readonly creationTtlSeconds: number } | undefined>;
  /** The same contents under a new token with the same TTL; in a JWT that names this address, where one is given. */
  rewrap(storage: WriteStorage, token: WrappingToken, jwtAddress: string | undefined): Awaitable<Response | undefined>;
  /** What JWTs are checked by; made where there is none yet. */
  publicKey(storage: WriteStorage): Awaitable<Readonly<Record<string, string>>>;
}

/** Who used the service, by months. */
export interface ActivityRoom {
  /** Undefined where nobody did. */
  report(period: Period): Promise<Readonly<Record<string, unknown>> | undefined>;
  monthly(): Promise<Readonly<Record<string, unknown>>>;
  hasRecords(): Promise<boolean>;
  /** Lines; undefined where nobody did. They have to be read to their end or be returned. Throws RequestError 400 while another one is read. */
  export(period: Period, format: ExportFormat): Promise<AsyncIterable<string> | undefined>;
}

/** Users that failed to log in too often. */
export interface Lockouts {
  /** Of the auth mounts where anybody is locked: accessor to the names of aliases, sorted. */
  list(storage: ReadStorage, mountAccessor: string | undefined): Awaitable<ReadonlyMap<string, readonly string[]>>;
  /** One that is not locked is no error. */
  unlock(storage: WriteStorage, mountAccessor: string, alias: string): Awaitable<void>;
}

export interface EngineInfo {
  readonly name: string;
  readonly type: "auth" | "database" | "secret";
  readonly version: string;
}

export interface SystemRooms {
  readonly mounts: MountTable;
  readonly policies: PolicyStore;
  readonly access: AccessControl;
  readonly leases: LeaseTable;
  readonly audit: AuditTable;
  readonly wrapping: WrappingTokens;
  readonly lockouts: Lockouts;
  readonly activity: ActivityRoom;
  readonly engines: () => readonly EngineInfo[];
  /** By which role this token was made: a token role, or that of the login. Empty: none. */
  readonly roleOfToken: (storage: ReadStorage, token: TokenEntry) => string;
  /** Whether the logins of an auth mount can tell a role before they are checked. */
  readonly hasLoginRoles: (entry: MountEntry) => boolean;
  /** The document of sys/internal/specs/openapi for the mounts the caller may reach. */
  readonly openapi: (storage: ReadStorage, caller: Caller | undefined, genericMountPaths: boolean) => Awaitable<Readonly<Record<string, unknown>>>;
}

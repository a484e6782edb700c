import type { Readable } from "node:stream";
import type { MountLockout } from "../logins/lockout.js";
import type { AnyPath } from "./path.js";
import type { Response } from "./response.js";
import type { ReadStorage, WriteStorage } from "./storage.js";

/** What a path can be asked. POST and PUT are `update`; `SCAN` lists recursively. */
export type OperationName = "read" | "update" | "delete" | "list" | "scan" | "patch";

/** The caller, as the pipeline established it. */
export interface Caller {
  readonly accessor: string;
  readonly displayName: string;
  readonly policies: readonly string[];
  readonly entityId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly isRoot: boolean;
  /** The token's storage id (its salted HMAC): cubbyhole and child tokens hang on it. */
  readonly tokenId: string;
}

export interface EngineRequest<Input> {
  readonly id: string;
  readonly operation: OperationName;
  /** The path below the mount, without a leading slash. */
  readonly path: string;
  readonly input: Input;
  /** The whole body as parsed (numbers beyond 2^53 kept, see `document.ts`). For free-form paths and merge patches. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether the caller sent this field (a default may have filled `input`). */
  readonly given: (field: string) => boolean;
  /** Undefined where the operation's access is `none` and no valid token came along. */
  readonly caller: Caller | undefined;
  /** The caller's token itself: only auth/token and sys/ get it, to name it in an answer. */
  readonly ownToken: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Lower-cased names. Token headers are stripped; only headers the mount passes through, and those of the operation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly wrapTtlSeconds: number;
  readonly stream: Readable | undefined;
  /** The client's TLS certificate, DER, where it showed one. */
  readonly clientCertificate: Uint8Array | undefined;
}

/** Time and chance come from here, so that tests own them. */
export interface Environment {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly uuid: () => string;
}

export interface MountConfig {
  readonly default_lease_ttl: number;
  readonly max_lease_ttl: number;
  readonly force_no_cache: boolean;
  readonly audit_non_hmac_request_keys?: readonly string[];
  readonly audit_non_hmac_response_keys?: readonly string[];
  readonly listing_visibility?: "" | "unauth" | "hidden";
  readonly passthrough_request_headers?: readonly string[];
  readonly allowed_response_headers?: readonly string[];
  readonly token_type?: string;
  /** See logins/lockout.ts. */
  readonly user_lockout_config?: MountLockout;
  readonly plugin_version?: string;
}

/** One row of the mount table; stored as such, one storage entry a mount. */
export interface MountEntry {
  readonly uuid: string;
  readonly table: "secret" | "auth";
  /** Ends in `/`; without the `auth/` prefix. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly local: boolean;
  readonly seal_wrap: boolean;
  readonly external_entropy_access: boolean;
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: MountConfig;
  /** Set while the mount is being removed: it answers no request, but its leases can still be revoked. */
  readonly tainted?: boolean;
}

/** A mount as a handler sees it. */
export interface Mount<Services = unknown> {
  readonly entry: MountEntry;
  /** With `auth/` where it is an auth mount: what a full path starts with. */
  readonly fullPath: string;
  readonly defaultLeaseTtlSeconds: number;
  readonly maxLeaseTtlSeconds: number;
  readonly env: Environment;
  /** What the composition gives this engine beyond storage: nothing for most, node control for sys/. */
  readonly services: Services;
}

/** How a leased secret of one kind is renewed and revoked; declared beside what makes it. */
export interface SecretKind<Services = unknown> {
  readonly name: string;
  /** Returns the new TTL in seconds (before clipping to the maximum), or undefined for the requested increment. */
  readonly renew?: (internalData: Readonly<Record<string, unknown>>, incrementSeconds: number, storage: WriteStorage, mount: Mount<Services>) => Promise<number | undefined> | number | undefined;
  /** Must be idempotent: it is retried. */
  readonly revoke: (internalData: Readonly<Record<string, unknown>>, storage: WriteStorage, mount: Mount<Services>) => Promise<void> | void;
}

/** Who asks for the renewal of a login, as far as it may have to be the one who logged in. */
export type Renewal = Pick<EngineRequest<unknown>, "clientCertificate" | "remoteAddress">;

export interface Engine<Services = unknown> {
  readonly type: string;
  readonly table: "secret" | "auth";
  readonly help: string;
  readonly paths: readonly AnyPath<Services>[];
  readonly secrets?: readonly SecretKind<Services>[];
  /** For auth engines: whether a token made by a login may be renewed now. Throws RequestError to refuse. */
  readonly renewLogin?: (internalData: Readonly<Record<string, unknown>>, storage: ReadStorage, mount: Mount<Services>, by?: Renewal) => Promise<void> | void;
  /** Prepares storage when the mount is made, upgraded by options (kv 1 to 2) or removed. Storage below the mount goes by itself. */
  readonly initialize?: (storage: WriteStorage, mount: Mount<Services>) => Promise<void> | void;
  /** Work due now on the active node (expiry, tidy); called about once a second, small slices at a time. True: more is due. */
  readonly periodic?: (storage: WriteStorage, mount: Mount<Services>) => Promise<boolean>;
}

export type { Response };

import type { Readable } from "node:stream";
import type { MountLockout } from "../logins/lockout.js";
import type { Verdicts } from "../mfa/factor.js";
import type { TemplateSubject } from "../policy/template.js";
import type { IntentKind, Intents } from "./intent.js";
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
  readonly tokenType: "service" | "batch";
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
  /** Whose identity fills templates (`resolveTemplate`); undefined for a caller without an entity. */
  readonly identity: () => TemplateSubject | undefined;
  /** The caller's token itself: only the core's own engines (auth/token, sys/, identity/) get it. */
  readonly ownToken: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** What services of second factors have said within this request; empty for other engines than the core's own. */
  readonly verdicts: Verdicts;
  /** Lower-cased names. Token headers are stripped; only headers the mount passes through, and those of the operation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly wrapTtlSeconds: number;
  readonly stream: Readable | undefined;
  /** The client's TLS certificate, DER, where it showed one. */
  readonly clientCertificate: Uint8Array | undefined;
  /** What it sent with that, each the issuer of the one before. Nobody has checked them. */
  readonly clientIntermediates: readonly Uint8Array[];
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
  /**
   * Whether the caller's policies grant this at a path below the mount, without a second factor or a control group. Only scans
   * get it: what they meet below their path may be under other rules than the path itself.
   */
  readonly allows?: (operation: OperationName, path: string) => boolean;
}

/** Another mount, as the core's own engines reach it within a request: to renew and revoke what its engine gave out. */
export interface Neighbour {
  readonly engine: Engine;
  /** What is written there commits with the request. */
  readonly storage: WriteStorage;
  readonly mount: Mount;
}

/** Lines of the server's log. What is passed is written: no secrets. */
export interface EngineLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A mount as the handler of a write sees it. */
export interface WriteMount<Services = unknown> extends Mount<Services> {
  /** For work outside of storage. */
  readonly intents: Intents;
  /**
   * A new password by the policy of that name (`sys/policies/password`), or with an empty one by the default rules. Throws
   * RequestError 400 where there is no such policy. Only engines that declare intents get it.
   */
  readonly password?: (policy: string) => string;
  /** By uuid, also one that is being removed (`tainted`); undefined where there is none. Only auth/token and sys/ get it. */
  readonly neighbour?: (uuid: string) => Neighbour | undefined;
  /** For what nobody gets an answer about. Only periodic work gets it. */
  readonly log?: EngineLog;
  /**
   * Commits on its own, before the request does: for work too large for one write set. It may be repeated, with the request.
   * Throws RequestError 503 where it was not committed. Only auth/token and sys/ get it.
   */
  readonly apart?: Apart;
}

export type Apart = <T>(work: (storage: WriteStorage, neighbour: (uuid: string) => Neighbour | undefined) => Promise<T> | T) => Promise<T>;

/** A lease that is being renewed. */
export interface LeaseTerms {
  readonly id: string;
  /** Seconds since 1970. */
  readonly issueTime: number;
  /** What the lease gets from now, in seconds, if `renew` returns this TTL (undefined: the increment): at most what is left of the maxima. */
  readonly granted: (ttlSeconds: number | undefined) => number;
}

/** How a leased secret of one kind is renewed and revoked; declared beside what makes it. */
export interface SecretKind<Services = unknown> {
  readonly name: string;
  /**
   * Returns the new TTL in seconds (before clipping to the maximum), or undefined for the requested increment (0: as much as
   * last time). Throws RequestError to refuse. Absent: the increment is given.
   */
  readonly renew?: (internalData: Readonly<Record<string, unknown>>, incrementSeconds: number, storage: WriteStorage, mount: Mount<Services>, terms: LeaseTerms) => Promise<number | undefined> | number | undefined;
  /** Must be idempotent: it is retried. */
  readonly revoke: (internalData: Readonly<Record<string, unknown>>, storage: WriteStorage, mount: Mount<Services>) => Promise<void> | void;
}

/** What a login would be given now; a member that is absent stays as it was. Seconds. */
export interface LoginRenewal {
  /** For a renewal that asks for nothing; 0: the mount's default. */
  readonly ttlSeconds?: number;
  /** 0: only the mount's. */
  readonly maxTtlSeconds?: number;
  /** 0: the token is no longer periodic. */
  readonly periodSeconds?: number;
  /** The external groups that it is in now. */
  readonly groupAliases?: readonly string[];
}
/** Who asks for the renewal of a login, as far as it may have to be the one who logged in. */
export type Renewal = Pick<EngineRequest<unknown>, "clientCertificate" | "remoteAddress"> & Partial<Pick<EngineRequest<unknown>, "clientIntermediates">>;

export interface Engine<Services = unknown> {
  readonly type: string;
  readonly table: "secret" | "auth";
  readonly help: string;
  readonly paths: readonly AnyPath<Services>[];
  readonly secrets?: readonly SecretKind<Services>[];
  /** What its handlers do outside of storage, and how that is undone. */
  readonly intents?: readonly IntentKind<Services>[];
  /**
   * For auth engines: whether a token made by a login (with this `internalData`) may be renewed now, and for how long, where
   * that has changed since. Throws RequestError to refuse. Absent: it may, as it was made.
   */
  readonly renewLogin?: (internalData: Readonly<Record<string, unknown>>, storage: ReadStorage, mount: Mount<Services>, by: Renewal) => Promise<LoginRenewal | void> | LoginRenewal | void;
  /** For auth engines whose logins have roles (`roleOf`): the one by which a login with this `internalData` came. */
  readonly roleOfLogin?: (internalData: Readonly<Record<string, unknown>>) => string | undefined;
  /** Work due now on the active node (expiry, tidy); called about once a second, small slices at a time. True: more is due. */
  readonly periodic?: (storage: WriteStorage, mount: WriteMount<Services>) => Promise<boolean>;
  /**
   * For engines that keep something open outside of storage (connections): closes what this node has open for the mount of that
   * uuid, or for all mounts where it is undefined. Called when the mount is changed or gone, and when the node seals, ends or is
   * no longer active. Whoever uses it at that moment finishes; what is needed afterwards is opened anew. Never rejects.
   */
  readonly release?: (mountUuid: string | undefined) => Promise<void>;
}

export type { Response };

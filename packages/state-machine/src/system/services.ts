import type { Readable } from "node:stream";
import type { GenerateRootControl } from "../barrier/generate-root.js";
import type { RekeyControl, RekeyTarget } from "../barrier/rekey-control.js";
import type { Leadership } from "../store/replicated-log.js";
import type { SystemRooms } from "./rooms.js";

/**
 * What the sys/ backend may do to and ask of its node. The node package implements it; tests do so in memory. Small
 * capabilities, each for one group of paths, so that a path states what it needs.
 */

export interface SealStatus {
  readonly type: string;
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** Of the unseal key; under an auto seal, of the recovery key. */
  readonly threshold: number;
  readonly shares: number;
  /** Shares given so far towards the threshold. */
  readonly progress: number;
  readonly nonce: string;
  readonly recoverySeal: boolean;
  readonly storageType: string;
  /** The configuration asks for another kind of seal than the state has: the next unsealing has to say that it migrates. */
  readonly migration?: boolean;
  /** What keeps an auto seal from unsealing this node, for an operator. */
  readonly warnings?: readonly string[];
}

export interface InitRequest {
  readonly secretShares: number;
  readonly secretThreshold: number;
  /** Public PGP keys in base64: none, or one a share. */
  readonly pgpKeys?: readonly string[];
  readonly rootTokenPgpKey?: string;
  /** Under an auto seal these take the place of the unseal key's. */
  readonly recoveryShares?: number;
  readonly recoveryThreshold?: number;
  readonly recoveryPgpKeys?: readonly string[];
}

export interface InitResult {
  /** One a share, or a PGP message that holds it; none under an auto seal. */
  readonly keys: readonly Uint8Array[];
  /** Under an auto seal only. */
  readonly recoveryKeys?: readonly Uint8Array[];
  /** Base64 of a PGP message where a key for it was given. */
  readonly rootToken: string;
}

export interface SealBackend {
  readonly name: string;
  readonly healthy: boolean;
  /** Milliseconds since 1970. */
  readonly unhealthySince?: number;
}

export interface SealControl {
  status(): SealStatus;
  /** Throws RequestError: 400 when already initialised or the numbers are wrong. */
  init(request: InitRequest): Promise<InitResult>;
  /** One share. Throws RequestError `invalid_request` for a malformed or wrong share; progress starts over after a wrong set. */
  unseal(share: Uint8Array, migrate?: boolean): Promise<SealStatus>;
  resetUnseal(): SealStatus;
  seal(): Promise<void>;
  /** The auto seals in use, as far as this node knows; none where key shares are all there is. */
  backends(): readonly SealBackend[];
  /** Whether each of them has the present root key. */
  isFullyWrapped(): boolean;
}

export interface ClusterServer {
  readonly id: string;
  readonly clusterAddress: string;
  readonly voter: boolean;
  readonly leader: boolean;
}

export interface ClusterNode {
  readonly hostname: string;
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly activeNode: boolean;
  /** RFC 3339, or null for the active node itself. */
  readonly lastEcho: string | null;
  readonly version: string;
}

export interface JoinRequest {
  readonly leaderApiAddress: string;
  readonly leaderCaCertificate?: string;
  readonly leaderClientCertificate?: string;
  readonly leaderClientKey?: string;
  readonly leaderTlsServerName?: string;
  readonly retry: boolean;
  readonly nonVoter: boolean;
}

/** One server as autopilot on the active node judges it. */
export interface JudgedServer extends ClusterServer {
  /** Without a vote, it waits for one. */
  readonly forVote: boolean;
  readonly alive: boolean;
  readonly healthy: boolean;
  /** Milliseconds since it last answered the leader; 0 for the leader itself. */
  readonly lastContactMs: number;
  readonly lastTerm: number;
  readonly lastIndex: number;
  /** Milliseconds since 1970: since when it has been in this health. */
  readonly stableSince: number;
  /** Empty until it told. */
  readonly version: string;
}

export interface AutopilotReport {
  readonly healthy: boolean;
  /** Voters that may fail at once without losing the quorum. */
  readonly failureTolerance: number;
  readonly servers: readonly JudgedServer[];
}

export interface ClusterControl {
  leadership(): Leadership & { /** Whether there can be other nodes. */ readonly haEnabled: boolean; readonly activeApiAddress: string; readonly activeClusterAddress: string; /** RFC 3339, empty when not active. */ readonly activeSince: string };
  /** What is wrong with this node's disk, as a message; undefined while nothing is. */
  diskFault(): string | undefined;
  committedIndex(): number;
  appliedIndex(): number;
  configuration(): Promise<{ readonly index: number; readonly servers: readonly ClusterServer[] }>;
  nodes(): Promise<readonly ClusterNode[]>;
  /** Of the active node only; throws RequestError `no_active_node` elsewhere. */
  autopilot(): Promise<AutopilotReport>;
  join(request: JoinRequest): Promise<boolean>;
  /** Sealed with a key only a holder of the root key knows. Both throw RequestError. */
  challenge(serverId: string): Promise<{ readonly challenge: Uint8Array; readonly sealConfig: Readonly<Record<string, unknown>> }>;
  answer(input: { readonly serverId: string; readonly answer: Uint8Array; readonly clusterAddress: string; readonly nonVoter: boolean; readonly publicKey: string }): Promise<Readonly<Record<string, unknown>>>;
  removePeer(serverId: string): Promise<void>;
  /** Makes a server that was not to vote one that is, or the other way round. */
  letVote(serverId: string, votes: boolean): Promise<void>;
  stepDown(): Promise<void>;
  /** A gzip'd tar in Vault's snapshot format. */
  saveSnapshot(): Promise<Readable>;
  /** Checks the whole file before anything changes. Throws RequestError. */
  restoreSnapshot(stream: Readable, force: boolean): Promise<void>;
}

export interface KeyringControl {
  status(): { readonly term: number; readonly installTime: string; readonly encryptions: number };
  rotate(): Promise<void>;
  /** Another root key, sealed by the auto seals. Throws RequestError 400 where key shares seal it. */
  rotateRootKey(): Promise<void>;
}

/** As Go's net/http/pprof names them. */
export type ProfileName = "allocs" | "block" | "goroutine" | "heap" | "mutex" | "profile" | "threadcreate";

/**
 * What a node tells of its own process: names of functions, sizes and counts. What is in memory may be a secret and is never shown.
 * Whatever takes a while throws RequestError 400 while another one of its kind is being taken.
 */
export interface ProfileControl {
  /** `pprof` is a gzip'd profile.proto, as `go tool pprof` reads it. 0 seconds: the state of this moment, where a profile has one. */
  take(name: ProfileName, form: "pprof" | "text", seconds: number): Promise<Uint8Array | string>;
  /** JSON as V8 writes it (.cpuprofile). */
  cpuProfile(seconds: number): Promise<string>;
  /** JSON in the format of Chrome's traces. */
  trace(seconds: number): Promise<string>;
  /** Without values that may be secrets. */
  commandLine(): readonly string[];
}

export interface NodeControl {
  readonly version: string;
  readonly buildDate: string;
  readonly clusterName: () => string;
  readonly clusterId: () => string;
  hostInfo(): Promise<Readonly<Record<string, unknown>>>;
  inFlight(): Readonly<Record<string, unknown>>;
  loggers(): Readonly<Record<string, string>>;
  /** Undefined name: all. Unknown level or name throws RequestError. */
  setLogLevel(name: string | undefined, level: string): void;
  /** Back to what the configuration says. Undefined name: all. An unknown name throws RequestError. */
  resetLogLevel(name: string | undefined): void;
  /** The log's lines from now on, until it is destroyed. An unknown level throws RequestError 400. */
  monitor(level: string, format: "standard" | "json"): Readable;
  readonly profiles: ProfileControl;
  /** Whether the configuration opens sys/internal/inspect. */
  readonly introspection: boolean;
  /** Prometheus text; throws RequestError 400 when telemetry is off. */
  prometheus(): Promise<string>;
  metricsJson(): Promise<Readonly<Record<string, unknown>>>;
  /** Non-secret configuration for sys/config/state/sanitized. */
  sanitizedConfig(): Readonly<Record<string, unknown>>;
}

export interface SystemServices {
  readonly seal: SealControl;
  readonly cluster: ClusterControl;
  readonly keyring: KeyringControl;
  readonly generateRoot: GenerateRootControl;
  readonly rekey: Readonly<Record<RekeyTarget, RekeyControl>>;
  readonly node: NodeControl;
  /** In recovery mode only: makes the token that is taken from then on, and no other. */
  readonly recoveryToken?: () => string;
  /** The neighbouring rooms of the state machine, joined by the composition. */
  readonly rooms: SystemRooms;
}

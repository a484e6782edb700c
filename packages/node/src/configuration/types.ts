import type { LockoutSettings } from "@coffer/state-machine";
import type { Level } from "../logging/level.js";

/** A node's configuration, checked and with defaults filled in. Times in seconds unless the name says otherwise. */
export interface Configuration {
  readonly listeners: readonly Listener[];
  readonly storage: Storage;
  /** The auto seals; none where key shares are all there is. */
  readonly seals: readonly AutoSealConfiguration[];
  readonly telemetry: Telemetry;
  readonly auditDevices: readonly AuditDeviceConfiguration[];
  readonly userLockout: LockoutSettings;
  readonly apiAddress: string;
  /** URL of the cluster listener as other nodes reach it. */
  readonly clusterAddress: string;
  readonly clusterName: string | undefined;
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly defaultMaxRequestDuration: number;
  readonly logLevel: Level;
  readonly logFormat: "standard" | "json";
  readonly logFile: string | undefined;
  readonly pidFile: string | undefined;
  readonly ui: boolean;
  readonly cacheSize: number;
  /** Serves sys/raw. */
  readonly rawStorage: boolean;
  /** Opens sys/internal/inspect. */
  readonly introspection: boolean;
  readonly hostnameHeader: boolean;
  readonly nodeIdHeader: boolean;
  /** "FILE:LINE: key … has no effect in this version", to be logged at start. No values, hence no secrets. */
  readonly warnings: readonly string[];
}

export interface Listener {
  /** host:port. */
  readonly address: string;
  readonly clusterAddress: string | undefined;
  readonly tls: ListenerTls | undefined;
  /** Bytes. */
  readonly maxRequestSize: number;
  readonly maxRequestDuration: number;
  readonly readHeaderTimeout: number;
  readonly readTimeout: number;
  readonly idleTimeout: number;
  /** Addresses and CIDRs whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly unauthenticatedMetrics: boolean;
  /** Paths of sys/ that share holders may use without a token elsewhere, and which here take one with sudo. They end in `/`. */
  readonly tokenOnly: readonly string[];
}

export interface ListenerTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names; empty for the defaults. */
  readonly ciphers: readonly string[];
  readonly clientCaFile: string | undefined;
  readonly requireClientCertificate: boolean;
  readonly acceptClientCertificates: boolean;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

export type Storage = RaftStorage | SoleStorage;

/** Of a node alone. */
export type SoleStorage = { readonly type: "inmem" } | FileStorage | PostgresqlStorage | S3Storage | ConsulStorage;

export interface FileStorage {
  readonly type: "file";
  readonly path: string;
}

export interface PostgresqlStorage {
  readonly type: "postgresql";
  readonly connectionUrl: string;
  /** `table` or `schema.table`. */
  readonly table: string;
}

export interface S3Storage {
  readonly type: "s3";
  readonly bucket: string;
  readonly region: string;
  /** A URL; undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  /** Both, or neither: the SDK looks where every AWS tool looks. */
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly sessionToken: string | undefined;
  readonly kmsKeyId: string | undefined;
  /** Before every key: empty, or ends in `/`. */
  readonly prefix: string;
}

export interface ConsulStorage {
  readonly type: "consul";
  /** host:port */
  readonly address: string;
  readonly scheme: "http" | "https";
  readonly token: string | undefined;
  /** Before every key; ends in `/`. */
  readonly prefix: string;
  readonly sessionTtlSeconds: number;
  /** PEM. */
  readonly tls: { readonly ca: string | undefined; readonly certificate: string | undefined; readonly key: string | undefined; readonly skipVerify: boolean };
}

export interface RaftStorage {
  readonly type: "raft";
  readonly path: string;
  readonly nodeId: string;
  readonly performanceMultiplier: number;
  readonly readLease: boolean;
  readonly trailingLogs: number | undefined;
  readonly snapshotThreshold: number | undefined;
  readonly retryJoin: readonly RetryJoin[];
  /** What `retry_join` joins as. */
  readonly retryJoinAsNonVoter: boolean;
  readonly autopilot: Readonly<Record<string, number | boolean>>;
}

export interface RetryJoin {
  readonly leaderApiAddress: string;
  /** PEM, as are the next two. */
  readonly caCertificate: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly tlsServerName: string | undefined;
}

export interface AutoSealConfiguration {
  readonly type: "awskms" | "transit" | "static";
  readonly name: string;
  /** 1 is used first. */
  readonly priority: number;
  /** Opens what it wrapped before, and wraps nothing any more. */
  readonly disabled: boolean;
  /** In the file's words; none is empty. */
  readonly options: Readonly<Record<string, string>>;
}

export interface Telemetry {
  /** 0: the Prometheus endpoint is off. */
  readonly prometheusRetention: number;
  readonly disableHostname: boolean;
  readonly enableHostnameLabel: boolean;
}

export interface AuditDeviceConfiguration {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
}

import { readFileSync } from "node:fs";
import type { BlockReader, BodyReader } from "@coffer/hcl";
import { variable } from "./environment.js";
import type { Environment } from "./environment.js";
import { noEffectWarnings } from "./no-effect.js";
import type { NoEffectTable } from "./no-effect.js";
import type { ConsulStorage, FileStorage, PostgresqlStorage, S3Storage, SoleStorage } from "./types.js";

/** The storages of a node alone: Vault's names, defaults and variables, except that no two of them share what is stored. */

const DEFAULT_TABLE = "coffer_kv_store";
const DEFAULT_REGION = "us-east-1";
const DEFAULT_CONSUL = "127.0.0.1:8500";
const DEFAULT_CONSUL_PATH = "coffer/";
const DEFAULT_SESSION_TTL = 15;
/** Consul's own bounds. */
const [MIN_SESSION_TTL, MAX_SESSION_TTL] = [10, 86_400];
const TABLE = /^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$/;

const ONE_CONNECTION = "one connection does it all";
const POSTGRESQL_NO_EFFECT: NoEffectTable = {
  max_idle_connections: { why: ONE_CONNECTION },
  max_parallel: { why: ONE_CONNECTION },
  ha_table: { why: "a node on PostgreSQL is alone" },
  skip_create_table: { unless: [false, "false"], why: "a table that exists is taken as it is" },
};
const S3_NO_EFFECT: NoEffectTable = { max_parallel: { why: "writes are one object each" } };
const CONSUL_NO_EFFECT: NoEffectTable = {
  max_parallel: { why: "writes are one transaction each" },
  consistency_mode: { unless: ["default", "strong"] },
  lock_wait_time: { why: "a lock is waited for as long as Consul may keep it" },
  service: { why: "this node registers itself nowhere" },
  service_tags: { why: "this node registers itself nowhere" },
  service_address: { why: "this node registers itself nowhere" },
  check_timeout: { why: "this node registers itself nowhere" },
};
const CONSUL_HARMLESS = ["disable_registration", "tls_min_version"] as const;

type Reader<S extends SoleStorage> = (block: BlockReader, environment: Environment, warnings: string[]) => S;

const READERS: { readonly [T in SoleStorage["type"]]: Reader<Extract<SoleStorage, { type: T }>> } = {
  inmem: () => ({ type: "inmem" }),
  file: readFile,
  postgresql: readPostgresql,
  s3: readS3,
  consul: readConsul,
};

export const isSole = (type: string): type is SoleStorage["type"] => Object.hasOwn(READERS, type);

export const SOLE_TYPES = Object.keys(READERS);

export function readSoleStorage(type: SoleStorage["type"], block: BlockReader, environment: Environment, warnings: string[]): SoleStorage {
  const { body } = block;
  if (body.bool("ha_enabled")) body.fail("ha_enabled", `storage "${type}" is that of one node alone: for more than one, use storage "raft", and coffer operator migrate to get there`);
  const read: Reader<SoleStorage> = READERS[type];
  const storage = read(block, environment, warnings);
  body.end();
  return storage;
}

function readFile({ body, fail }: BlockReader): FileStorage {
  const path = body.string("path");
  return { type: "file", path: path || fail('storage "file" needs path, the folder of the data') };
}

function readPostgresql({ body, fail }: BlockReader, environment: Environment, warnings: string[]): PostgresqlStorage {
  const fromFile = body.string("connection_url");
  const connectionUrl = variable(environment, "VAULT_PG_CONNECTION_URL") || fromFile;
  if (!connectionUrl) return fail('storage "postgresql" needs connection_url, such as "postgres://coffer:PASSWORD@db.internal:5432/coffer"');
  // Not shown: there is a password in it.
  if (!/^postgres(ql)?:\/\//.test(connectionUrl)) body.fail("connection_url", 'connection_url begins with "postgres://" or "postgresql://"');
  const table = body.string("table") || DEFAULT_TABLE;
  if (!TABLE.test(table)) body.fail("table", `table takes a name such as "coffer" or "schema.coffer", not ${JSON.stringify(table)}`);
  body.ignore("max_connect_retries");
  warnings.push(...noEffectWarnings(body, POSTGRESQL_NO_EFFECT));
  return { type: "postgresql", connectionUrl, table };
}

function readS3({ body, fail }: BlockReader, environment: Environment, warnings: string[]): S3Storage {
  const setting = (name: string, ...variables: string[]) => {
    const fromFile = body.string(name);
    return variables.map((one) => variable(environment, one)).find((found) => found !== undefined) ?? (fromFile || undefined);
  };
  const bucket = setting("bucket", "AWS_S3_BUCKET");
  if (bucket === undefined) return fail('storage "s3" needs bucket');
  const endpoint = setting("endpoint", "AWS_S3_ENDPOINT");
  if (endpoint !== undefined && !URL.canParse(urlOf(endpoint))) body.fail("endpoint", `endpoint takes a URL such as "https://minio.internal:9000", not ${JSON.stringify(endpoint)}`);
  const isPlain = body.bool("disable_ssl") ?? false;
  const [accessKey, secretKey] = [body.string("access_key") || undefined, body.string("secret_key") || undefined];
  if ((accessKey === undefined) !== (secretKey === undefined)) fail("access_key and secret_key go together");
  const storage: S3Storage = {
    type: "s3",
    bucket,
    region: setting("region", "AWS_REGION", "AWS_DEFAULT_REGION") ?? DEFAULT_REGION,
    endpoint: endpoint === undefined ? undefined : urlOf(endpoint, isPlain),
    forcePathStyle: body.bool("s3_force_path_style") ?? false,
    accessKey,
    secretKey,
    sessionToken: body.string("session_token") || undefined,
    kmsKeyId: body.string("kms_key_id") || undefined,
    prefix: folder(body.string("path") ?? ""),
  };
  warnings.push(...noEffectWarnings(body, S3_NO_EFFECT));
  return storage;
}

function urlOf(endpoint: string, isPlain = false): string {
  return endpoint.includes("://") ? endpoint : `${isPlain ? "http" : "https"}://${endpoint}`;
}

function readConsul({ body }: BlockReader, environment: Environment, warnings: string[]): ConsulStorage {
  const [fileAddress, fileScheme, fileToken] = [body.string("address"), body.string("scheme"), body.string("token")];
  const given = variable(environment, "CONSUL_HTTP_ADDR") || fileAddress || DEFAULT_CONSUL;
  const [, urlScheme, address] = /^(?:(https?):\/\/)?([^/]+)\/?$/.exec(given) ?? body.fail("address", `address takes "host:port", not ${JSON.stringify(given)}`);
  const scheme = urlScheme ?? fileScheme ?? (/^(1|t|true)$/i.test(variable(environment, "CONSUL_HTTP_SSL") ?? "") ? "https" : "http");
  if (scheme !== "http" && scheme !== "https") return body.fail("scheme", `scheme is http or https, not ${JSON.stringify(scheme)}`);
  const sessionTtlSeconds = body.durationSeconds("session_ttl") || DEFAULT_SESSION_TTL;
  if (sessionTtlSeconds < MIN_SESSION_TTL || sessionTtlSeconds > MAX_SESSION_TTL) body.fail("session_ttl", "session_ttl is between 10s and 24h");
  const storage: ConsulStorage = {
    type: "consul",
    address: address!,
    scheme,
    token: variable(environment, "CONSUL_HTTP_TOKEN") || fileToken || undefined,
    prefix: folder(body.string("path") || DEFAULT_CONSUL_PATH),
    sessionTtlSeconds,
    tls: { ca: fileOf(body, "tls_ca_file"), certificate: fileOf(body, "tls_cert_file"), key: fileOf(body, "tls_key_file"), skipVerify: body.bool("tls_skip_verify") ?? false },
  };
  body.ignore(...CONSUL_HARMLESS);
  warnings.push(...noEffectWarnings(body, CONSUL_NO_EFFECT));
  return storage;
}

/** Without a slash in front, with one behind; empty stays. */
function folder(path: string): string {
  const inner = path.replace(/^\/+|\/+$/g, "");
  return inner === "" ? "" : `${inner}/`;
}

function fileOf(body: BodyReader, name: string): string | undefined {
  const file = body.string(name);
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    return body.fail(name, `cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
  }
}

import { parseHcl, readBody } from "@coffer/hcl";
import type { BodyReader } from "@coffer/hcl";
import { levelNamed, LEVELS } from "../logging/level.js";
import type { Level } from "../logging/level.js";
import { readAddresses } from "./address.js";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";
import { readFiles } from "./files.js";
import { readListener } from "./listener.js";
import { noEffectWarnings, SERVER_HARMLESS, SERVER_NO_EFFECT } from "./no-effect.js";
import { readSeals } from "./seals.js";
import { readAuditDevice, readTelemetry } from "./sections.js";
import { readStorage } from "./storage.js";
import type { Configuration } from "./types.js";
import { readUserLockout } from "./user-lockout.js";

/** 32 days, Vault's default for both. */
const DEFAULT_LEASE_TTL = 768 * 3600;
const DEFAULT_REQUEST_DURATION = 90;
const DEFAULT_CACHE_SIZE = 131_072;

/**
 * Reads files, and the *.hcl and *.json of folders, as one configuration; the environment overrides what it names.
 * Throws HclError (file, line, column) or ConfigurationError.
 */
export function loadConfiguration(paths: readonly string[], environment: Environment = process.env): Configuration {
  return readConfiguration(readBody(readFiles(paths)), environment);
}

/** A configuration that stands in no file; `name` is what errors call it. Nothing overrides it. */
export function parseConfiguration(text: string, name: string): Configuration {
  return readConfiguration(readBody(parseHcl(text, name)), {});
}

function readConfiguration(body: BodyReader, environment: Environment): Configuration {
  const warnings: string[] = [];
  const defaultMaxRequestDuration = body.durationSeconds("default_max_request_duration") || DEFAULT_REQUEST_DURATION;
  const listeners = body.blocks("listener", 1).map((block) => readListener(block, defaultMaxRequestDuration, warnings));
  const [first] = listeners;
  if (!first) throw new ConfigurationError('the configuration has no listener: add listener "tcp" { address = "127.0.0.1:8200" … }');
  const configuration: Configuration = {
    listeners,
    storage: readStorage([...body.blocks("storage", 1), ...body.blocks("ha_storage", 1)], environment, warnings),
    seals: readSeals(body.blocks("seal", 1), environment),
    telemetry: readTelemetry(body.blocks("telemetry"), warnings),
    auditDevices: [...body.blocks("audit_device", 1), ...body.blocks("audit", 2)].map((block) => readAuditDevice(block, warnings)),
    userLockout: readUserLockout(body.blocks("user_lockout", 1), environment),
    ...readAddresses(body, environment, first),
    clusterName: body.string("cluster_name") || undefined,
    ...readLeaseTtls(body),
    defaultMaxRequestDuration,
    logLevel: readLogLevel(body, environment),
    logFormat: readLogFormat(body, environment),
    logFile: body.string("log_file") || undefined,
    pidFile: body.string("pid_file") || undefined,
    ui: readUi(body, environment),
    cacheSize: readCacheSize(body),
    rawStorage: body.bool("raw_storage_endpoint") ?? false,
    introspection: body.bool("introspection_endpoint") ?? false,
    hostnameHeader: body.bool("enable_response_header_hostname") ?? false,
    nodeIdHeader: body.bool("enable_response_header_raft_node_id") ?? false,
    warnings,
  };
  warnings.push(...noEffectWarnings(body, SERVER_NO_EFFECT));
  body.ignore(...SERVER_HARMLESS);
  body.end();
  refuseTwinDevices(body, configuration);
  return configuration;
}

/** A maximum below Vault's default brings the default down with it. */
function readLeaseTtls(body: BodyReader): Pick<Configuration, "defaultLeaseTtl" | "maxLeaseTtl"> {
  const maxLeaseTtl = body.durationSeconds("max_lease_ttl") || DEFAULT_LEASE_TTL;
  const defaultLeaseTtl = body.durationSeconds("default_lease_ttl") || Math.min(DEFAULT_LEASE_TTL, maxLeaseTtl);
  if (defaultLeaseTtl > maxLeaseTtl) body.fail("default_lease_ttl", "default_lease_ttl is greater than max_lease_ttl (768h unless set)");
  return { defaultLeaseTtl, maxLeaseTtl };
}

function readLogLevel(body: BodyReader, environment: Environment): Level {
  const fromFile = body.string("log_level");
  const fromEnvironment = variable(environment, "VAULT_LOG_LEVEL");
  const text = fromEnvironment || fromFile || "info";
  return levelNamed(text) ?? wrongChoice(body, { key: "log_level", name: "VAULT_LOG_LEVEL", isVariable: fromEnvironment !== undefined, text, choices: LEVELS });
}

function readLogFormat(body: BodyReader, environment: Environment): "standard" | "json" {
  const fromFile = body.string("log_format");
  const fromEnvironment = variable(environment, "VAULT_LOG_FORMAT");
  const text = (fromEnvironment || fromFile || "standard").toLowerCase();
  if (text === "standard" || text === "json") return text;
  return wrongChoice(body, { key: "log_format", name: "VAULT_LOG_FORMAT", isVariable: fromEnvironment !== undefined, text, choices: ["standard", "json"] });
}

function wrongChoice(body: BodyReader, { key, name, isVariable, text, choices }: { key: string; name: string; isVariable: boolean; text: string; choices: readonly string[] }): never {
  const problem = `is one of ${choices.join(", ")}, not ${JSON.stringify(text)}`;
  if (isVariable) throw new ConfigurationError(`environment variable ${name} ${problem}`);
  return body.fail(key, `${key} ${problem}`);
}

function readUi(body: BodyReader, environment: Environment): boolean {
  const fromFile = body.bool("ui") ?? false;
  const fromEnvironment = variable(environment, "VAULT_UI")?.toLowerCase();
  return fromEnvironment === undefined ? fromFile : ["1", "t", "true"].includes(fromEnvironment);
}

function readCacheSize(body: BodyReader): number {
  const size = body.int("cache_size") ?? 0;
  if (size < 0) body.fail("cache_size", "cache_size must not be negative");
  return size || DEFAULT_CACHE_SIZE;
}

function refuseTwinDevices(body: BodyReader, { auditDevices }: Configuration): void {
  const paths = auditDevices.map(({ path }) => path);
  const twin = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twin !== undefined) body.fail("audit_device", `two audit devices are called ${JSON.stringify(twin)}; name one: audit_device "file" "other" { … }`);
}

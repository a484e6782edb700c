import type { ErrorCode, RequestError } from "../errors.js";
import { stringifyDocument } from "../framework/document.js";
import type { MountEntry } from "../framework/engine.js";
import { effectivePolicies } from "../identity/index.js";
import type { ApiRequest } from "../request/api.js";
import type { TokenEntry } from "../tokens/entry.js";
import type { FilterSubject } from "./filter.js";
import { withoutExcluded } from "./exclude.js";
import { createStencil, hashing, IN_CLEAR } from "./disguise.js";
import type { Disguise } from "./disguise.js";
import type { Hasher } from "./hmac.js";
import { jsonxOf } from "./jsonx.js";
import type { RecordOptions } from "./options.js";
import type { AuditedHeaders } from "./request-headers.js";

type Values = Readonly<Record<string, unknown>>;

/** What happened, in clear: formatting for a device hides what is secret. */
export interface AuditRecord {
  readonly type: "request" | "response";
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly request: ApiRequest;
  /** As the policies see it: a write is `create` or `update` by what is there. */
  readonly operation: string;
  readonly data: Values | undefined;
  readonly token: TokenEntry | undefined;
  /** What the token's entity adds to its policies. */
  readonly identityPolicies?: readonly string[];
  /** What the policies said; undefined where they were not asked yet. */
  readonly access: { readonly allowed: boolean; readonly grantingPolicies: readonly string[] } | undefined;
  readonly mount: MountEntry | undefined;
  /** Fields that stay hidden whatever the mount shows in clear. */
  readonly sensitive: readonly string[];
  readonly wrapTtlSeconds: number;
  readonly error: RequestError | undefined;
  /** Of responses only. */
  readonly response: AuditedResponse | undefined;
}

export interface AuditedResponse {
  readonly data: Values | null;
  readonly auth: Values | null;
  readonly wrapInfo: Values | null;
  readonly warnings: readonly string[];
  readonly leaseId: string;
}

type Json = Record<string, unknown>;

/** Errors in words of our own. The text of any other may repeat what the caller sent, and is hidden as the data is. */
const CLEAR_ERRORS: ReadonlySet<ErrorCode> = new Set([
  "missing_token", "permission_denied", "not_found", "unsupported_operation", "stale_index", "too_large", "rate_limited", "internal", "sealed", "no_active_node", "overloaded",
]);

/** One line, without its end. `options.exclusions` look at what `disguise` makes of it. */
export function formatRecord(record: AuditRecord, disguise: Disguise, options: RecordOptions, headers: AuditedHeaders): string {
  const { type, error } = record;
  const shown = withoutExcluded({
    time: new Date(record.time).toISOString(),
    type,
    auth: authOf(record, disguise),
    request: requestOf(record, disguise, headers),
    ...(type === "response" && { response: responseOf(record, disguise, options) }),
    ...(error && { error: CLEAR_ERRORS.has(error.code) ? error.message : error.code.replaceAll("_", " ") }),
    ...(record.request.forwardedFrom && { forwarded_from: record.request.forwardedFrom }),
  }, options.exclusions);
  return options.format === "jsonx" ? jsonxOf(shown) : stringifyDocument(shown);
}

/**
 * The lines of one record, for all devices: those with the same options share what they have in common, which is everything but
 * the HMACs under their salts.
 */
export function linesOf(record: AuditRecord, headers: AuditedHeaders): (options: RecordOptions, hasher: Hasher) => string {
  const made = new Map<string, (hasher: Hasher) => string>();
  return (options, hasher) => {
    const { logRaw, hmacAccessor, elideListResponses, format, exclusions } = options;
    // A condition may ask for an HMAC.
    if (exclusions.length > 0) return formatRecord(record, logRaw ? IN_CLEAR : hashing(hasher, hmacAccessor), options, headers);
    const shape = `${logRaw} ${hmacAccessor} ${elideListResponses} ${format}`;
    let line = made.get(shape);
    if (!line) made.set(shape, (line = logRaw ? inClear(formatRecord(record, IN_CLEAR, options, headers)) : stencilled(record, options, headers)));
    return line(hasher);
  };
}

const inClear = (text: string) => () => text;

function stencilled(record: AuditRecord, options: RecordOptions, headers: AuditedHeaders): (hasher: Hasher) => string {
  const stencil = createStencil(options.hmacAccessor);
  return stencil.cut(formatRecord(record, stencil.disguise, options, headers));
}

/** What filters may ask of a record. */
export function filterSubject(record: AuditRecord): FilterSubject {
  const { mount_point = "", mount_type = "" } = mountOf(record) as { readonly mount_point?: string; readonly mount_type?: string };
  return { mount_point, mount_type, namespace: "", operation: record.operation, path: record.request.path };
}

/** The line that tries out a device before it is enabled. */
export function testLine(time: number, id: string, { format }: Pick<RecordOptions, "format">): string {
  const record = { time: new Date(time).toISOString(), type: "request", auth: { token_type: "default" }, request: { id, operation: "update", namespace: { id: "root" }, path: "sys/audit/test" } };
  return format === "jsonx" ? jsonxOf(record) : JSON.stringify(record);
}

function mountOf({ mount }: AuditRecord): Json {
  return mount ? { mount_point: mount.table === "auth" ? `auth/${mount.path}` : mount.path, mount_type: mount.type, mount_accessor: mount.accessor, mount_class: mount.table } : {};
}

function shownInClear({ mount, sensitive }: AuditRecord, keys: "audit_non_hmac_request_keys" | "audit_non_hmac_response_keys"): readonly string[] {
  return mount?.config[keys]?.filter((name) => !sensitive.includes(name)) ?? [];
}

/** Accessors stand in answers too, of lookups for one. */
const ACCESSOR = ["accessor"];

function authOf({ token, identityPolicies = [], access, request }: AuditRecord, disguise: Disguise): Json {
  const results = access && {
    policy_results: {
      allowed: access.allowed,
      ...(access.grantingPolicies.length > 0 && { granting_policies: access.grantingPolicies.map((name) => ({ name, namespace_id: "root", type: "acl" })) }),
    },
  };
  if (!token) return { ...results, token_type: "default" };
  return {
    client_token: disguise.token(request.token ?? "", token),
    accessor: disguise.accessor(token.accessor, token),
    display_name: token.displayName,
    policies: effectivePolicies(token.policies, { policies: identityPolicies }),
    token_policies: token.policies,
    ...(identityPolicies.length > 0 && { identity_policies: identityPolicies }),
    ...results,
    ...(token.meta && { metadata: shownMetadata(token.meta, disguise) }),
    ...(token.entityId !== "" && { entity_id: token.entityId }),
    ...(token.numUses > 0 && { remaining_uses: token.numUses }),
    token_type: token.type,
    ...(token.ttl > 0 && { token_ttl: token.ttl }),
    token_issue_time: new Date(token.creationTime * 1000).toISOString(),
  };
}

function requestOf(record: AuditRecord, disguise: Disguise, audited: AuditedHeaders): Json {
  const { request, token, data, wrapTtlSeconds } = record;
  const headers = Object.entries(audited).flatMap(([name, { hmac }]) => {
    const value = request.headers[name];
    return value === undefined ? [] : [[name, [hmac ? disguise.token(value) : value]] as const];
  });
  return {
    id: request.id,
    operation: record.operation,
    ...mountOf(record),
    ...(request.token && { client_token: disguise.token(request.token, token) }),
    ...(token && { client_token_accessor: disguise.accessor(token.accessor, token) }),
    namespace: { id: "root" },
    path: request.path,
    ...(data && Object.keys(data).length > 0 && { data: disguise.values(data, shownInClear(record, "audit_non_hmac_request_keys")) }),
    remote_address: request.remoteAddress,
    remote_port: request.remotePort,
    ...(wrapTtlSeconds > 0 && { wrap_ttl: wrapTtlSeconds }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
  };
}

function responseOf(record: AuditRecord, disguise: Disguise, { elideListResponses, hmacAccessor }: RecordOptions): Json {
  const { response, error, operation } = record;
  if (!response) return { ...mountOf(record), ...(error && error.message !== "" && { data: disguise.values({ error: error.message }, []) }) };
  const { auth, wrapInfo, warnings, leaseId } = response;
  const isList = operation === "list" || operation === "scan";
  const data = response.data && elideListResponses && isList ? elide(response.data) : response.data;
  return {
    ...(auth && { auth: grantedAuth(auth, disguise) }),
    ...mountOf(record),
    ...(leaseId !== "" && { secret: { lease_id: leaseId } }),
    ...(data && { data: disguise.values(data, [...shownInClear(record, "audit_non_hmac_response_keys"), ...(hmacAccessor ? [] : ACCESSOR)]) }),
    ...(wrapInfo && { wrap_info: hideMembers(wrapInfo, { token: disguise.token, accessor: disguise.accessor, wrapped_accessor: disguise.accessor }) }),
    ...(warnings.length > 0 && { warnings }),
  };
}

/** Long lists become their lengths. */
function elide(data: Values): Json {
  const { keys, key_info: info } = data;
  return {
    ...data,
    ...(Array.isArray(keys) && { keys: keys.length }),
    ...(typeof info === "object" && info !== null && { key_info: Object.keys(info).length }),
  };
}

/** Tokens of an OpenID provider that a role makes metadata of (`oauth2_metadata`) are secrets all the same. */
const isSecret = (name: string): boolean => name.startsWith("oauth2_");

function shownMetadata(metadata: Readonly<Record<string, string>>, disguise: Disguise): Json {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, isSecret(name) ? disguise.token(value) : value]));
}

const SHOWN_OF_AUTH = ["client_token", "accessor", "policies", "token_policies", "identity_policies", "metadata", "entity_id", "token_type", "num_uses"] as const;

function grantedAuth(auth: Values, disguise: Disguise): Json {
  const shown = Object.fromEntries(SHOWN_OF_AUTH.filter((name) => auth[name] !== undefined && auth[name] !== null && auth[name] !== "" && auth[name] !== 0).map((name) => [name, auth[name]]));
  const { metadata } = auth;
  const named = typeof metadata === "object" && metadata !== null && { metadata: shownMetadata(metadata as Readonly<Record<string, string>>, disguise) };
  return { ...hideMembers(shown, { client_token: disguise.token, accessor: disguise.accessor }), ...named, token_ttl: auth["lease_duration"] };
}

function hideMembers(values: Values, hide: Readonly<Record<string, Disguise["token"]>>): Json {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hide[name] && typeof value === "string" ? hide[name](value) : value]));
}

import type { MountEntry } from "../framework/engine.js";
import type { ApiRequest } from "../request/api.js";
import type { TokenEntry } from "../tokens/entry.js";
import type { FileOptions } from "./device.js";
import { auditHmac, hashStrings } from "./hmac.js";

/** What happened, in clear: formatting for a device hides what is secret. */
export interface AuditRecord {
  readonly type: "request" | "response";
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly request: ApiRequest;
  readonly operation: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly token: TokenEntry | undefined;
  readonly grantingPolicies: readonly string[];
  readonly mount: MountEntry | undefined;
  readonly error: string | undefined;
  readonly response: { readonly data: Readonly<Record<string, unknown>> | null; readonly auth: Readonly<Record<string, unknown>> | null; readonly wrapInfo: Readonly<Record<string, unknown>> | null; readonly warnings: readonly string[]; readonly leaseId: string } | undefined;
}

type Json = Record<string, unknown>;

export function formatRecord(record: AuditRecord, salt: string, options: FileOptions): string {
  const hide = options.logRaw ? (value: string) => value : (value: string) => (value === "" ? "" : auditHmac(salt, value));
  const hideAccessor = options.hmacAccessor ? hide : (value: string) => value;
  const hideAll = (value: unknown, clear: readonly string[]) => (options.logRaw ? value : hashStrings(salt, value, clear));
  const { request, token, mount } = record;
  const line: Json = {
    time: new Date(record.time).toISOString(),
    type: record.type,
    ...(token && { auth: authOf(record, token, hide, hideAccessor, request.token ?? "") }),
    request: {
      id: request.id,
      operation: record.operation,
      ...(mount && { mount_point: mount.table === "auth" ? `auth/${mount.path}` : mount.path, mount_type: mount.type, mount_accessor: mount.accessor, mount_class: mount.table }),
      ...(request.token && { client_token: hide(request.token) }),
      ...(token && { client_token_accessor: hideAccessor(token.accessor) }),
      namespace: { id: "root" },
      path: request.path,
      ...(record.data && Object.keys(record.data).length > 0 && { data: hideAll(record.data, mount?.config.audit_non_hmac_request_keys ?? []) }),
      remote_address: request.remoteAddress,
      remote_port: request.remotePort,
      ...(request.headers["x-vault-wrap-ttl"] && { wrap_ttl: request.headers["x-vault-wrap-ttl"] }),
    },
    ...(record.response && { response: responseOf(record, hide, hideAccessor, hideAll, options) }),
    ...(record.error && { error: record.error }),
    ...(request.forwardedFrom && { forwarded_from: request.forwardedFrom }),
  };
  return JSON.stringify(line);
}

function authOf(record: AuditRecord, token: TokenEntry, hide: (value: string) => string, hideAccessor: (value: string) => string, text: string): Json {
  return {
    client_token: hide(text),
    accessor: hideAccessor(token.accessor),
    display_name: token.displayName,
    policies: token.policies,
    token_policies: token.policies,
    policy_results: { allowed: record.error === undefined, granting_policies: record.grantingPolicies.map((name) => ({ name, namespace_id: "root", type: "acl" })) },
    ...(token.meta && { metadata: token.meta }),
    entity_id: token.entityId,
    token_type: "service",
    token_ttl: token.ttl,
    token_issue_time: new Date(token.creationTime * 1000).toISOString(),
    ...(token.numUses > 0 && { remaining_uses: token.numUses }),
  };
}

function responseOf(record: AuditRecord, hide: (value: string) => string, hideAccessor: (value: string) => string, hideAll: (value: unknown, clear: readonly string[]) => unknown, options: FileOptions): Json {
  const { data, auth, wrapInfo, warnings, leaseId } = record.response!;
  const { mount } = record;
  const elided = options.elideListResponses && record.operation === "list" && Array.isArray(data?.["keys"]) ? { keys: (data["keys"] as unknown[]).length } : undefined;
  return {
    ...(mount && { mount_point: mount.table === "auth" ? `auth/${mount.path}` : mount.path, mount_type: mount.type, mount_accessor: mount.accessor, mount_class: mount.table }),
    ...(auth && { auth: { ...auth, client_token: hide(String(auth["client_token"])), accessor: hideAccessor(String(auth["accessor"])) } }),
    ...(leaseId !== "" && { secret: { lease_id: leaseId } }),
    ...(data && { data: elided ?? hideAll(data, mount?.config.audit_non_hmac_response_keys ?? []) }),
    ...(wrapInfo && { wrap_info: { ...wrapInfo, token: hide(String(wrapInfo["token"])), accessor: hideAccessor(String(wrapInfo["accessor"])) } }),
    ...(warnings.length > 0 && { warnings }),
  };
}

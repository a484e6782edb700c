import type { Metric } from "./metric.js";
import type { Poll } from "./poll.js";

const ROOT = { namespace: "root" };

/** Requests, tokens, leases and audit, under Vault's names. */
export const CORE_METRICS: readonly Metric<Poll>[] = [
  { name: "vault.core.unsealed", kind: "gauge", help: "1 if this node is unsealed, else 0", read: ({ state }) => !state.sealed },
  { name: "vault.core.active", kind: "gauge", help: "1 if this node is the active one, else 0", read: ({ state }) => state.active },
  { name: "vault.core.in_flight_requests", kind: "gauge", help: "Requests this node is working on", read: ({ inFlight }) => inFlight },
  { name: "vault.core.handle_request", kind: "summary", help: "Milliseconds to handle a request that is no login", read: ({ measured }) => measured.request },
  { name: "vault.core.handle_login_request", kind: "summary", help: "Milliseconds to handle a login", read: ({ measured }) => measured.login },
  { name: "vault.core.response_status_code", kind: "counter", help: "Answers by HTTP status and by its class", read: ({ measured }) => measured.responses },
  {
    name: "vault.core.mount_table.num_entries", kind: "gauge", help: "Mounts, by kind of mount table",
    read: ({ counts: { mounts } }) => mounts && [{ labels: { type: "logical", local: "false" }, value: mounts.secret }, { labels: { type: "auth", local: "false" }, value: mounts.auth }],
  },
  {
    name: "vault.audit.log_request", kind: "summary", help: "Records written for requests and answers, and the milliseconds spent on them; the sum is NaN where nobody measures it",
    read: ({ audit }) => ({ count: audit.requests, sum: audit.milliseconds ?? NaN }),
  },
  { name: "vault.audit.log_request_failure", kind: "counter", help: "Records that an audit device could not write", read: ({ audit }) => audit.failures },
  { name: "vault.expire.num_leases", kind: "gauge", help: "Leases that will expire", read: ({ counts }) => counts.leases },
  { name: "vault.expire.num_irrevocable_leases", kind: "gauge", help: "Leases whose revocation was given up", read: ({ counts }) => counts.irrevocableLeases },
  { name: "vault.token.creation", kind: "counter", help: "Tokens created by this node, by auth method, mount, time to live and type", read: ({ measured }) => measured.tokenCreations },
  { name: "vault.token.count", kind: "gauge", help: "Service tokens that are alive", read: ({ counts: { tokens } }) => (tokens === undefined ? undefined : [{ labels: ROOT, value: tokens }]) },
  {
    name: "vault.token.count.by_policy", kind: "gauge", help: "Service tokens by policy; from a sample where there are many",
    read: ({ counts: { tokensByPolicy } }) => tokensByPolicy && Object.entries(tokensByPolicy).map(([policy, value]) => ({ labels: { ...ROOT, policy }, value })),
  },
  { name: "vault.identity.num_entities", kind: "gauge", help: "Identity entities", read: ({ counts }) => counts.entities },
  {
    name: "vault.secret.kv.count", kind: "gauge", help: "Secrets in each key-value engine",
    read: ({ counts: { kvSecrets } }) => kvSecrets?.map(({ mountPoint, count }) => ({ labels: { ...ROOT, mount_point: mountPoint }, value: count })),
  },
];

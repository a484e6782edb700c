import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, keyList } from "../framework/index.js";
import { countThoseBefore, dropLeaseCount, leaseCounts, leasesUnder, putLeaseCounts, putQuotaSettings, putRateLimits, quotaSettings, rateLimits, refuseTwin, scopeOf, shownPath, spreadLeases } from "../quotas/index.js";
import type { LeaseCountQuota, RateLimitQuota } from "../quotas/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const MAX_NAME = 256;
const MAX_EXEMPT = 1000;
/** A request a day is no limit any more, and neither is what no node can do. */
const MAX_RATE = 1e9;
const MAX_LEASES = 1_000_000_000;
const MAX_SECONDS = 365 * 86_400;

const SCOPE = {
  name: field.name({ description: "Name of the quota.", required: true }),
  path: field.string({ description: "Mount that it is about, or a path below it, which may end in `*`. Empty: everything.", default: "" }),
  role: field.string({ description: "Role of the auth method at `path` whose logins it is about.", default: "" }),
  inheritable: field.bool({ description: "Kept for compatibility: there are no namespaces to inherit it." }),
  type: field.string({ description: "Kept for compatibility.", deprecated: true, default: "" }),
};

function checkName(name: string): void {
  if (name.length > MAX_NAME) throw invalid(`'name' must not be longer than ${MAX_NAME} characters`);
}

function refuseOutside(name: string, value: number, maximum: number): void {
  if (value > maximum) throw invalid(`'${name}' must not be above ${maximum}`);
}

/** What is meant for a namespace's children means nothing below a mount. */
const isInheritable = (asked: boolean | undefined, path: string): boolean => asked ?? path === "";

const configPath = systemPath({
  template: "quotas/config",
  help: { synopsis: "Sets what all rate limits have in common.", description: "Exempt paths, and what a client and the audit log are told of limits. A write sets all of it." },
  fields: {
    rate_limit_exempt_paths: field.commaList({ description: "Paths that no rate limit counts; one may end in `*`.", default: [] }),
    enable_rate_limit_audit_logging: field.bool({ description: "Audits requests that a limit refuses.", default: false }),
    enable_rate_limit_response_headers: field.bool({ description: "Adds X-Ratelimit-* to answers.", default: false }),
  },
  operations: {
    read: {
      summary: "Shows the settings.", effect: "read",
      handler: (_request, storage) => {
        const { exemptPaths, auditsRefusals, sendsHeaders } = quotaSettings(storage);
        return data({ enable_rate_limit_audit_logging: auditsRefusals, enable_rate_limit_response_headers: sendsHeaders, rate_limit_exempt_paths: exemptPaths });
      },
    },
    update: {
      summary: "Sets them.", effect: "write",
      handler: ({ input }, storage) => {
        const exemptPaths = input.rate_limit_exempt_paths.map((path) => path.replace(/^\/+/, ""));
        if (exemptPaths.length > MAX_EXEMPT) throw invalid(`'rate_limit_exempt_paths' must not have more than ${MAX_EXEMPT} paths`);
        const wrong = exemptPaths.find((path) => path === "" || path.length > 1024 || path.slice(0, -1).includes("*") || path.split("/").includes("..") || /[\u0000-\u001f\u007f]/.test(path));
        if (wrong !== undefined) throw invalid(`invalid exempt path ${JSON.stringify(wrong)}`);
        putQuotaSettings(storage, { exemptPaths, auditsRefusals: input.enable_rate_limit_audit_logging, sendsHeaders: input.enable_rate_limit_response_headers });
        return NO_CONTENT;
      },
    },
  },
});

const rateBody = (quota: RateLimitQuota) => ({
  block_interval: quota.blockSeconds, inheritable: quota.inheritable, interval: quota.intervalSeconds, name: quota.name, path: shownPath(quota), rate: quota.rate, role: quota.role, type: "rate-limit",
});

const rateLimitPaths: readonly SystemPath[] = [
  systemPath({
    template: "quotas/rate-limit",
    help: { synopsis: "Lists the rate limits.", description: "By name." },
    fields: {},
    operations: { list: { summary: "Lists the rate limits.", effect: "read", handler: (_request, storage) => keyList(Object.keys(rateLimits(storage)).sort()) } },
  }),
  systemPath({
    template: "quotas/rate-limit/{name}",
    help: { synopsis: "Limits how often one client's address may ask one node.", description: "Of all quotas that a request falls under, the most specific decides: role, path, path*, mount, everything." },
    fields: {
      ...SCOPE,
      rate: field.float({ description: "Requests in an interval.", default: 0 }),
      interval: field.duration({ description: "Length of an interval; a second by default.", default: 0 }),
      block_interval: field.duration({ description: "How long a client that asked more often is refused.", default: 0 }),
    },
    operations: {
      read: {
        summary: "Shows a rate limit.", effect: "read",
        handler: ({ input }, storage) => {
          const table = rateLimits(storage);
          return Object.hasOwn(table, input.name) ? data(rateBody(table[input.name]!)) : undefined;
        },
      },
      update: {
        summary: "Sets a rate limit.", effect: "write",
        handler: ({ input }, storage, { env, services }) => {
          const { name, rate, interval, block_interval: blockSeconds } = input;
          checkName(name);
          if (rate <= 0) throw invalid("'rate' is invalid");
          refuseOutside("rate", rate, MAX_RATE);
          refuseOutside("interval", interval, MAX_SECONDS);
          refuseOutside("block_interval", blockSeconds, MAX_SECONDS);
          const scope = scopeOf(storage, input, services.rooms.hasLoginRoles);
          const table = rateLimits(storage);
          refuseTwin(table, name, scope);
          const quota: RateLimitQuota = { name, uuid: env.uuid(), ...scope, rate, intervalSeconds: interval || 1, blockSeconds, inheritable: isInheritable(input.inheritable, scope.mountPath) };
          putRateLimits(storage, { ...table, [name]: quota });
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Removes a rate limit.", effect: "write",
        handler: ({ input }, storage) => {
          const { [input.name]: found, ...rest } = rateLimits(storage);
          if (found) putRateLimits(storage, rest);
          return NO_CONTENT;
        },
      },
    },
  }),
];

const leaseCountPaths: readonly SystemPath[] = [
  systemPath({
    template: "quotas/lease-count",
    help: { synopsis: "Lists the lease-count quotas.", description: "By name." },
    fields: {},
    operations: { list: { summary: "Lists the lease-count quotas.", effect: "read", handler: (_request, storage) => keyList(Object.keys(leaseCounts(storage)).sort()) } },
  }),
  systemPath({
    template: "quotas/lease-count/{name}",
    help: { synopsis: "Limits how many leases there may be at once.", description: "Leases of secrets, and service tokens that end. Decided where the lease is made, over the whole cluster." },
    fields: { ...SCOPE, max_leases: field.int({ description: "Leases that there may be.", default: 0 }) },
    operations: {
      read: {
        summary: "Shows a lease-count quota, and how many leases it counts.", effect: "read",
        handler: ({ input }, storage) => {
          const table = leaseCounts(storage);
          if (!Object.hasOwn(table, input.name)) return undefined;
          const quota = table[input.name]!;
          return data({ counter: leasesUnder(storage, quota), inheritable: quota.inheritable, max_leases: quota.maxLeases, name: quota.name, path: shownPath(quota), role: quota.role, type: "lease-count" });
        },
      },
      update: {
        summary: "Sets a lease-count quota.", effect: "write",
        handler: async ({ input }, _storage, { env, services, apart }) => {
          const { name, max_leases: maxLeases } = input;
          checkName(name);
          if (maxLeases <= 0) throw invalid("'max_leases' is invalid");
          refuseOutside("max_leases", maxLeases, MAX_LEASES);
          // What comes from now on is counted before what was there.
          const written = await apart!((storage) => {
            const scope = scopeOf(storage, input, services.rooms.hasLoginRoles);
            const table = leaseCounts(storage);
            refuseTwin(table, name, scope);
            const known = Object.hasOwn(table, name) ? table[name] : undefined;
            const isSame = known && known.mountPath === scope.mountPath && known.suffix === scope.suffix && known.role === scope.role;
            if (known && !isSame) dropLeaseCount(storage, known);
            const quota: LeaseCountQuota = { name, uuid: isSame ? known.uuid : env.uuid(), ...scope, maxLeases, inheritable: isInheritable(input.inheritable, scope.mountPath) };
            putLeaseCounts(storage, { ...table, [name]: quota });
            spreadLeases(storage, quota);
            return quota;
          });
          await countThoseBefore(apart!, written, services.rooms.roleOfToken);
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Removes a lease-count quota; the leases stay.", effect: "write",
        handler: ({ input }, storage) => {
          const { [input.name]: found, ...rest } = leaseCounts(storage);
          if (!found) return NO_CONTENT;
          putLeaseCounts(storage, rest);
          dropLeaseCount(storage, found);
          return NO_CONTENT;
        },
      },
    },
  }),
];

export const quotaPaths: readonly SystemPath[] = [configPath, ...rateLimitPaths, ...leaseCountPaths];

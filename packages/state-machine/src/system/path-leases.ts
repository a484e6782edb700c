import { invalid } from "../errors.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
import type { Mount, ReadStorage, WriteMount, WriteStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { SystemServices } from "./services.js";

const ID = field.string({ description: "Id of the lease.", default: "" });
const PREFIX = field.string({ description: "Beginning of the leases' ids.", required: true });
const SYNC = field.bool({ description: "Waits until the secret is revoked at its source.", default: false });

type System = WriteMount<SystemServices>;

async function renew(id: string, increment: number, storage: WriteStorage, { services, neighbour }: System) {
  if (id === "") throw invalid("lease_id must be specified");
  const { warnings, ...lease } = await services.rooms.leases.renew(storage, id, increment, neighbour!);
  return { ...NO_CONTENT, status: 200, lease, warnings };
}

async function revoke(id: string, sync: boolean, storage: WriteStorage, { services, neighbour }: System) {
  if (id === "") throw invalid("lease_id must be specified");
  await services.rooms.leases.revoke(storage, id, sync ? neighbour : undefined);
  return NO_CONTENT;
}

function renewPaths(root: string): readonly SystemPath[] {
  const fields = {
    lease_id: ID,
    url_lease_id: field.string({ description: "Id of the lease, in the path.", default: "" }),
    increment: field.duration({ description: "Seconds to prolong the lease by, from now.", default: 0 }),
  };
  const help = { synopsis: "Renews a lease.", description: "Asks for more time for a secret; the engine that gave it decides." };
  const handler = ({ input }: { readonly input: { readonly lease_id: string; readonly url_lease_id: string; readonly increment: number } }, storage: WriteStorage, mount: System) =>
    renew(input.lease_id || input.url_lease_id, input.increment, storage, mount);
  const operations = { update: { summary: "Renews a lease.", effect: "write" as const, activeOnly: true, handler } };
  return [systemPath({ template: root, help, fields, operations }), systemPath({ template: `${root}/{url_lease_id...}`, help, fields, operations } as never)];
}

function revokePaths(root: string): readonly SystemPath[] {
  const fields = { lease_id: ID, url_lease_id: field.string({ description: "Id of the lease, in the path.", default: "" }), sync: SYNC };
  const help = { synopsis: "Revokes a lease.", description: "Takes a secret back before its time. An unknown lease is no error." };
  const handler = ({ input }: { readonly input: { readonly lease_id: string; readonly url_lease_id: string; readonly sync: boolean } }, storage: WriteStorage, mount: System) =>
    revoke(input.lease_id || input.url_lease_id, input.sync, storage, mount);
  const operations = { update: { summary: "Revokes a lease.", effect: "write" as const, activeOnly: true, handler } };
  return [systemPath({ template: root, help, fields, operations }), systemPath({ template: `${root}/{url_lease_id...}`, help, fields, operations } as never)];
}

function revokePrefixPath(root: string, force: boolean): SystemPath {
  const summary = force ? "Revokes leases and forgets those that cannot be revoked." : "Revokes leases by the beginning of their ids.";
  return systemPath({
    template: `${root}/{prefix...}` as "leases/{prefix...}",
    help: { synopsis: summary, description: "Takes back everything given out below a path." },
    fields: { prefix: PREFIX, sync: SYNC },
    operations: {
      update: {
        summary, effect: "write", access: "sudo", activeOnly: true,
        handler: async ({ input }, storage, { services, apart }) => {
          await services.rooms.leases.revokePrefix(storage, input.prefix, input.sync || force ? { kind: "now", force, apart: apart! } : { kind: "later" });
          return NO_CONTENT;
        },
      },
    },
  });
}

async function listLeases(prefix: string, storage: ReadStorage, { services }: Mount<SystemServices>) {
  const below = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const keys = await services.rooms.leases.list(storage, below);
  return keys.length === 0 ? undefined : data({ keys });
}

const LIST_SUMMARY = "Lists leases.";

const lookupPaths: readonly SystemPath[] = [
  systemPath({
    template: "leases/lookup",
    help: { synopsis: "Shows a lease.", description: "When it was given, when it ends, and whether it can be renewed." },
    fields: { lease_id: ID },
    operations: {
      update: {
        summary: "Shows a lease.", effect: "read", activeOnly: true,
        handler: async ({ input }, storage, { services }) => {
          if (input.lease_id === "") throw invalid("lease_id must be specified");
          const lease = await services.rooms.leases.lookup(storage, input.lease_id);
          if (!lease) throw invalid("invalid lease");
          return data({ id: lease.id, issue_time: lease.issueTime, expire_time: lease.expireTime, last_renewal: lease.lastRenewal, renewable: lease.renewable, ttl: lease.ttlSeconds });
        },
      },
      list: { summary: LIST_SUMMARY, effect: "read", access: "sudo", handler: (_request, storage, mount) => listLeases("", storage, mount) },
    },
  }),
  systemPath({
    template: "leases/lookup/{prefix...}",
    help: { synopsis: LIST_SUMMARY, description: "Ids and folders directly below a path." },
    fields: { prefix: PREFIX },
    operations: { list: { summary: LIST_SUMMARY, effect: "read", access: "sudo", handler: ({ input }, storage, mount) => listLeases(input.prefix, storage, mount) } },
  }),
];

const TYPE = field.string({ description: "`irrevocable`; for any other there is nothing.", query: true, default: "" });
const CHILDREN = field.bool({ description: "Kept for compatibility: there are no child namespaces.", query: true, default: false });
const isIrrevocable = (type: string): boolean => type.toLowerCase() === "irrevocable";

const MOST_SHOWN = 10_000;
const HALTED = "Command halted because many irrevocable leases were found. To emit the entire list, re-run the command with force set true.";

/** How many leases a caller is shown. Throws RequestError 400. */
function shownAtMost(limit: string): number {
  if (limit === "") return MOST_SHOWN;
  if (limit.toLowerCase() === "none") return Infinity;
  const number = /^[+-]?\d{1,15}$/.test(limit) ? Number(limit) : NaN;
  if (Number.isNaN(number)) throw invalid(`invalid 'limit' provided: ${JSON.stringify(limit)} is no number`);
  if (number < 1) throw invalid("limit must be 'none' or a positive integer");
  return number;
}

const TIDY_STARTED = "Tidy operation successfully started. Any information from the operation will be printed to the server's logs.";

const irrevocablePaths: readonly SystemPath[] = [
  systemPath({
    template: "leases",
    help: { synopsis: "Lists the leases that cannot be revoked.", description: "Leases whose revocation failed too often, with the last error." },
    fields: { type: TYPE, include_child_namespaces: CHILDREN, limit: field.string({ description: "At most so many, or `none`.", query: true, default: "" }) },
    operations: {
      read: {
        summary: "Lists the leases that cannot be revoked.", effect: "read", access: "sudo", activeOnly: true,
        handler: async ({ input }, storage, { services }) => {
          if (!isIrrevocable(input.type)) return undefined;
          const most = shownAtMost(input.limit);
          const all = await services.rooms.leases.irrevocable(storage);
          const leases = all.slice(0, most).map(({ id, mountAccessor, error }) => ({ lease_id: id, mount_id: mountAccessor, error }));
          return data({ lease_count: leases.length, leases }, all.length > leases.length ? { warnings: [HALTED] } : {});
        },
      },
    },
  }),
  systemPath({
    template: "leases/count",
    help: { synopsis: "Counts the leases that cannot be revoked.", description: "By the accessor of the mount they belong to." },
    fields: { type: TYPE, include_child_namespaces: CHILDREN },
    operations: {
      read: {
        summary: "Counts the leases that cannot be revoked.", effect: "read", activeOnly: true,
        handler: async ({ input }, storage, { services }) => {
          if (!isIrrevocable(input.type)) return undefined;
          const all = await services.rooms.leases.irrevocable(storage);
          const counts: Record<string, number> = {};
          for (const { mountAccessor } of all) counts[mountAccessor] = (counts[mountAccessor] ?? 0) + 1;
          return data({ lease_count: all.length, counts });
        },
      },
    },
  }),
  systemPath({
    template: "leases/tidy",
    help: { synopsis: "Cleans up after leases.", description: "Removes what leases left behind." },
    fields: {},
    operations: {
      update: {
        summary: "Cleans up after leases.", effect: "write", activeOnly: true, responses: { 202: "Started" },
        handler: async (_request, storage, { services }) => {
          const isStarted = await services.rooms.leases.tidy(storage);
          return { ...NO_CONTENT, status: 202, warnings: [isStarted ? TIDY_STARTED : "Tidy operation already in progress."] };
        },
      },
    },
  }),
];

export const leasePaths: readonly SystemPath[] = [
  ...lookupPaths,
  ...irrevocablePaths,
  ...["leases/renew", "renew"].flatMap(renewPaths),
  ...["leases/revoke", "revoke"].flatMap(revokePaths),
  ...["leases/revoke-prefix", "revoke-prefix"].map((root) => revokePrefixPath(root, false)),
  ...["leases/revoke-force", "revoke-force"].map((root) => revokePrefixPath(root, true)),
];

import { invalid } from "../errors.js";
import { LOCKOUT_TYPES, mountLockoutFields } from "../logins/lockout.js";
import type { MountLockout } from "../logins/lockout.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
import type { EngineRequest, InputOf, Mount, MountConfig, MountEntry, ReadStorage, WriteStorage } from "../framework/index.js";
import { stringifyDocument } from "../framework/document.js";
import { declare } from "../framework/fields.js";
import type { FieldKind } from "../framework/fields.js";
import { systemPath, withSlash } from "./define.js";
import type { SystemPath } from "./define.js";
import type { MountTableName } from "./rooms.js";
import type { SystemServices } from "./services.js";

/** Engines of the house, which cannot be enabled and so are no plugins to any client. */
const BUILT_IN_ONLY = new Set(["system", "cubbyhole", "identity", "token"]);

/** A row of the mount table as sys/mounts, sys/auth and the UI's lists show it. */
export function mountBody(entry: MountEntry, version: string): Record<string, unknown> {
  return {
    uuid: entry.uuid,
    type: entry.type,
    description: entry.description,
    accessor: entry.accessor,
    local: entry.local,
    seal_wrap: entry.seal_wrap,
    external_entropy_access: entry.external_entropy_access,
    options: entry.options,
    config: { ...shownConfig(entry.config), ...(entry.config.user_lockout_config && { user_lockout_config: shownLockout(entry.config.user_lockout_config) }) },
    plugin_version: entry.config.plugin_version ?? "",
    running_plugin_version: `v${version}+builtin.coffer`,
    running_sha256: "",
    ...(!BUILT_IN_ONLY.has(entry.type) && { deprecation_status: "supported" }),
  };
}

/** What was emptied again is shown as if it had never been set. */
function shownConfig(config: MountConfig): Partial<MountConfig> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== "" && !(Array.isArray(value) && value.length === 0)));
}

const shownLockout = (config: MountLockout) => ({
  user_lockout_counter_reset_duration: config.lockout_counter_reset_duration ?? 0,
  user_lockout_disable: config.lockout_disable ?? false,
  user_lockout_duration: config.lockout_duration ?? 0,
  user_lockout_threshold: config.lockout_threshold ?? 0,
});

/** `system`, as clients put it, is the system's own: no TTL of this mount. */
const ttl = declare<number>({ ...field.duration({ description: "" }).kind, parse: (value) => field.duration({ description: "" }).kind.parse(value === "system" ? 0 : value) } as FieldKind<number>);

const CONFIG_FIELDS = {
  default_lease_ttl: ttl({ description: "Lease TTL given where nobody asks for one." }),
  max_lease_ttl: ttl({ description: "Longest lease TTL of this mount." }),
  force_no_cache: field.bool({ description: "Kept for compatibility; reads never come from a stale cache." }),
  audit_non_hmac_request_keys: field.commaList({ description: "Request fields that audit devices show in clear." }),
  audit_non_hmac_response_keys: field.commaList({ description: "Response fields that audit devices show in clear." }),
  listing_visibility: field.string({ description: "`unauth` shows the mount in lists made without a token." }),
  passthrough_request_headers: field.commaList({ description: "Request headers that reach the engine." }),
  allowed_response_headers: field.commaList({ description: "Response headers that the engine may set." }),
  token_type: field.string({ description: "Kind of token that logins on this auth mount give." }),
  user_lockout_config: field.map({ description: "When repeated failed logins lock a user of this auth mount." }),
  plugin_version: field.string({ description: "Version of the engine to run." }),
};
type ConfigField = keyof typeof CONFIG_FIELDS;

const FIELDS = {
  path: field.string({ description: "Where the engine is mounted.", required: true }),
  type: field.string({ description: "Kind of engine to mount.", default: "" }),
  description: field.string({ description: "Free text for people." }),
  config: field.map({ description: "Settings of the mount, as tuning takes them." }),
  options: field.pairs({ description: "Settings of the engine, such as the version of kv." }),
  local: field.bool({ description: "Not replicated to other clusters.", default: false }),
  seal_wrap: field.bool({ description: "Kept for compatibility.", default: false }),
  external_entropy_access: field.bool({ description: "Kept for compatibility.", default: false }),
  plugin_name: field.string({ description: "Older name of `type`.", deprecated: true, default: "" }),
  ...CONFIG_FIELDS,
};
type Request = EngineRequest<InputOf<typeof FIELDS>>;

const TOKEN_TYPES = ["", "default-service", "default-batch", "service", "batch"];
/** As the catalog and a mount's `running_plugin_version` tell them. */
const BUILT_IN = /^v\d+\.\d+\.\d+\+builtin(\.[a-z]+)?$/;
const TTL_NAMES: Readonly<Record<string, string>> = { default_lease_ttl: "default TTL", max_lease_ttl: "max TTL" };

/** Checks the members of a `config` map by the fields of the same names; unknown members are ignored, as in Vault. */
export function readMountConfig(table: MountTableName, values: Readonly<Record<string, unknown>>): Partial<MountConfig> {
  const config: Record<string, unknown> = {};
  for (const name of Object.keys(CONFIG_FIELDS) as ConfigField[]) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || value === null) continue;
    const parsed = CONFIG_FIELDS[name].kind.parse(value);
    if (!parsed.ok) throw invalid(name in TTL_NAMES ? `unable to parse ${TTL_NAMES[name]} of ${stringifyDocument(value)}: ${parsed.message}` : `invalid ${name}: ${parsed.message}`);
    config[name] = parsed.value;
  }
  const visibility = config["listing_visibility"];
  if (visibility !== undefined && !["", "unauth", "hidden"].includes(visibility as string)) throw invalid(`invalid listing_visibility ${visibility as string}`);
  const tokenType = config["token_type"];
  if (tokenType !== undefined && table !== "auth") throw invalid("'token_type' can only be modified on auth mounts");
  if (tokenType !== undefined && !TOKEN_TYPES.includes(tokenType as string)) throw invalid("invalid value for 'token_type'");
  if (tokenType === "") config["token_type"] = "default-service";
  const version = config["plugin_version"];
  if (version && !BUILT_IN.test(version as string)) throw invalid(`plugin not found in the catalog: version ${JSON.stringify(version)} is none of a built-in engine`);
  if (config["user_lockout_config"] !== undefined) config["user_lockout_config"] = readLockout(config["user_lockout_config"] as Readonly<Record<string, unknown>>);
  return config as Partial<MountConfig>;
}

function readLockout(values: Readonly<Record<string, unknown>>): MountLockout {
  const config: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(mountLockoutFields)) {
    const value = values[name] === "system" ? 0 : values[name];
    if (value === undefined || value === null || value === "") continue;
    const parsed = kind.parse(value);
    if (!parsed.ok) throw invalid(`invalid ${name}: ${parsed.message}`);
    if (typeof parsed.value === "number" && parsed.value < 0) throw invalid(`invalid ${name}: it cannot be negative`);
    config[name] = parsed.value;
  }
  return config;
}

/** Where it is tuned, what is not named stays as it was. */
function joinLockout(type: string, before: MountLockout | undefined, config: Partial<MountConfig>): Partial<MountConfig> {
  const change = config.user_lockout_config;
  if (!change) return config;
  if (Object.keys(change).length === 0) {
    const { user_lockout_config: _nothing, ...rest } = config;
    return rest;
  }
  if (!LOCKOUT_TYPES.includes(type)) throw invalid(`tuning of user lockout configuration for auth type ${JSON.stringify(type)} not allowed`);
  return { ...config, user_lockout_config: { ...before, ...change } };
}

/** Mounts of the house, of which only what audit devices show in clear can be set. */
const FIXED = ["sys/", "identity/", "cubbyhole/"];
const TUNABLE = ["audit_non_hmac_request_keys", "audit_non_hmac_response_keys"];

function requireTunable(table: MountTableName, path: string, given: (field: string) => boolean): void {
  if (table === "auth" || !FIXED.includes(path)) return;
  const refused = Object.keys(FIELDS).find((name) => name !== "path" && given(name) && !TUNABLE.includes(name));
  if (refused !== undefined) throw invalid(`cannot tune parameter ${refused} of ${path}`);
}

const TUNE = "/tune";

/** `secret/` for `secret`; `tune` when the path asks for the mount's settings. */
function target(path: string): { readonly path: string; readonly tune: boolean } {
  const bare = path.replace(/\/$/, "");
  return bare.endsWith(TUNE) ? { path: withSlash(bare.slice(0, -TUNE.length)), tune: true } : { path: withSlash(bare), tune: false };
}

/** `kv-v1` and `kv-v2` are kv with a version. */
function versioned(type: string, options: Readonly<Record<string, string>>): { readonly type: string; readonly options: Readonly<Record<string, string>> } {
  const version = /^kv-v([12])$/.exec(type)?.[1];
  return version ? { type: "kv", options: { ...options, version } } : { type, options };
}

const prefixOf = (table: MountTableName) => (table === "auth" ? "auth/" : "");

async function readOne(table: MountTableName, request: Request, storage: ReadStorage, { services: { rooms, node } }: Mount<SystemServices>) {
  const { path, tune } = target(request.input.path);
  const entry = await rooms.mounts.get(storage, table, path);
  if (!entry) {
    if (tune) throw invalid(`cannot fetch sysview for path ${JSON.stringify(prefixOf(table) + path)}`);
    throw invalid(`No ${table} engine at ${path}`.replace("No secret engine at", "No secret engine mount at"));
  }
  if (!tune) return data(mountBody(entry, node.version), { dual: true });
  const ttls = rooms.mounts.effectiveTtls(entry);
  const { user_lockout_config: lockout, ...config } = entry.config;
  return data({
    ...shownConfig(config as MountConfig),
    ...(lockout && shownLockout(lockout)),
    description: entry.description,
    default_lease_ttl: ttls.defaultSeconds,
    max_lease_ttl: ttls.maxSeconds,
    ...(entry.external_entropy_access && { external_entropy_access: true }),
    ...(entry.options && Object.keys(entry.options).length > 0 ? { options: entry.options } : {}),
  }, { dual: true });
}

async function change(table: MountTableName, request: Request, storage: WriteStorage, { services: { rooms } }: Mount<SystemServices>) {
  const { input, given } = request;
  const { path, tune } = target(input.path);
  if (tune) {
    requireTunable(table, path, given);
    const entry = await rooms.mounts.get(storage, table, path);
    const config = readMountConfig(table, Object.fromEntries((Object.keys(CONFIG_FIELDS) as ConfigField[]).filter(given).map((name) => [name, input[name]])));
    await rooms.mounts.tune(storage, table, path, {
      config: entry ? joinLockout(entry.type, entry.config.user_lockout_config, config) : config,
      ...(input.description !== undefined ? { description: input.description } : {}),
      ...(input.options !== undefined ? { options: input.options } : {}),
    });
    return NO_CONTENT;
  }
  const named = input.type === "plugin" || input.type === "" ? input.plugin_name : input.type;
  if (named === "") throw invalid("backend type must be specified as a string");
  const { type, options } = versioned(named, input.options ?? {});
  const config = joinLockout(type, undefined, readMountConfig(table, input.config ?? {}));
  await rooms.mounts.enable(storage, {
    table,
    path,
    type,
    description: input.description ?? "",
    local: input.local,
    sealWrap: input.seal_wrap,
    externalEntropyAccess: input.external_entropy_access,
    options,
    config: table === "auth" ? { token_type: "default-service", ...config } : config,
  });
  return NO_CONTENT;
}

function tablePaths(table: MountTableName, root: "mounts" | "auth", what: string): readonly SystemPath[] {
  // Everything below sys/auth/ needs sudo; sys/mounts/ does not.
  const access = table === "auth" ? "sudo" : "token";
  return [
    systemPath({
      template: root,
      help: { synopsis: `Lists the ${what}s.`, description: `Every mounted ${what} by its path.` },
      fields: {},
      operations: {
        read: {
          summary: `Lists the ${what}s.`, effect: "read",
          handler: async (_request, storage, { services: { rooms, node } }) => {
            const entries = await rooms.mounts.list(storage, table);
            return data(Object.fromEntries(entries.map((entry) => [entry.path, mountBody(entry, node.version)])), { dual: true });
          },
        },
      },
    }),
    systemPath({
      template: `${root}/{path...}` as "mounts/{path...}",
      help: { synopsis: `Mounts, shows, tunes or removes one ${what}.`, description: "A path that ends in `/tune` reads and changes the settings of the mount." },
      fields: FIELDS,
      operations: {
        read: { summary: `Shows one ${what}, or its settings.`, effect: "read", access, handler: (request, storage, mount) => readOne(table, request, storage, mount) },
        update: { summary: `Mounts one ${what}, or changes its settings.`, effect: "write", access, handler: (request, storage, mount) => change(table, request, storage, mount) },
        delete: {
          summary: `Removes one ${what} with everything it stores.`, effect: "write", access,
          handler: async ({ input }, storage, { services }) => {
            if (target(input.path).tune) throw invalid("cannot delete the settings of a mount");
            await services.rooms.mounts.disable(storage, table, withSlash(input.path));
            return NO_CONTENT;
          },
        },
      },
    }),
  ];
}

export const mountPaths: readonly SystemPath[] = [...tablePaths("secret", "mounts", "secret engine"), ...tablePaths("auth", "auth", "auth method")];

export const remountPaths: readonly SystemPath[] = [
  systemPath({
    template: "remount",
    help: { synopsis: "Moves a mount to another path.", description: "Everything the engine stores goes along, and so do its leases, the tokens of its logins and its quotas. Policies are not changed; the answer names those that hold the old path." },
    fields: {
      from: field.string({ description: "Where it is mounted now, with `auth/` for auth methods.", default: "" }),
      to: field.string({ description: "Where it shall be mounted.", default: "" }),
    },
    operations: {
      update: {
        summary: "Moves a mount.", effect: "write", access: "sudo",
        handler: async ({ input: { from, to } }, storage, { services }) => {
          if (from === "" || to === "") throw invalid("both 'from' and 'to' path must be specified as a string");
          const { id, warnings } = await services.rooms.mounts.remount(storage, withSlash(from.replace(/^\/+/, "")), withSlash(to.replace(/^\/+/, "")));
          return data({ migration_id: id }, { dual: true, warnings });
        },
      },
    },
  }),
  systemPath({
    template: "remount/status/{migration_id}",
    help: { synopsis: "Reports how far a move has come.", description: "By the id that the move answered with." },
    fields: { migration_id: field.string({ description: "Id of the move.", required: true }) },
    operations: {
      read: {
        summary: "Reports how far a move has come.", effect: "read",
        handler: async ({ input }, storage, { services }) => {
          const status = await services.rooms.mounts.remountStatus(storage, input.migration_id);
          return status && data({ migration_id: input.migration_id, migration_info: { source_mount: status.from, target_mount: status.to, status: status.status } });
        },
      },
    },
  }),
];

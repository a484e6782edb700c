import { RequestError, invalid } from "../errors.js";
import { data, field } from "../framework/index.js";
import type { EngineRequest, Mount, MountEntry, ReadStorage } from "../framework/index.js";
import { identityOf } from "../identity/index.js";
import type { Identity } from "../identity/index.js";
import { storagePrefix } from "../mounts/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { SystemServices } from "./services.js";

/** The tables of Vault's router. There is one here; each shows it as Vault does. */
const TAGS = ["root", "uuid", "accessor", "storage"];
/** Those that show what is routed, and not the mount alone. */
const ROUTES = ["root", "storage"];

function requireEnabled({ services: { node } }: Mount<SystemServices>): void {
  if (!node.introspection) throw invalid('the configuration must set "introspection_endpoint" to true to enable this endpoint');
}

function record(entry: MountEntry, isRoute: boolean): Readonly<Record<string, unknown>> {
  const mount = { accessor: entry.accessor, mount_namespace: "", mount_path: entry.path, mount_type: entry.type, uuid: entry.uuid };
  return isRoute ? { ...mount, storage_prefix: storagePrefix(entry), tainted: entry.tainted ?? false } : mount;
}

const routerPath = systemPath({
  template: "internal/inspect/router/{tag}",
  help: { synopsis: "Shows where requests are routed.", description: "Only where the configuration says introspection_endpoint = true." },
  fields: { tag: field.string({ description: `What to show: ${TAGS.join(", ")}.`, required: true }) },
  operations: {
    read: {
      summary: "Shows where requests are routed.", effect: "read", access: "sudo",
      handler: async ({ input: { tag } }, storage, mount) => {
        requireEnabled(mount);
        if (!TAGS.includes(tag)) throw new RequestError("not_found", "unsupported path");
        const { mounts } = mount.services.rooms;
        const entries = [...(await mounts.list(storage, "secret")), ...(await mounts.list(storage, "auth"))];
        return data({ [tag]: entries.map((entry) => record(entry, ROUTES.includes(tag))) });
      },
    },
  },
});

function shownEntity({ entity }: Identity, typeOf: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  return {
    ID: entity.id, name: entity.name, disabled: entity.disabled, metadata: entity.metadata, namespace_id: "root",
    aliases: entity.aliases.map(({ id, name, mountAccessor, metadata, customMetadata, local }) => ({
      ID: id, name, mount_accessor: mountAccessor, mount_type: typeOf.get(mountAccessor) ?? "", metadata, custom_metadata: customMetadata, local, namespace_id: "root",
    })),
  };
}

/** The request as its handler sees it. Not the token, which nobody has to be shown. */
function shownRequest(request: EngineRequest<unknown>, { entry, fullPath }: Mount<SystemServices>): Readonly<Record<string, unknown>> {
  const { id, operation, path, body, caller, headers, remoteAddress, remotePort, wrapTtlSeconds } = request;
  return {
    id, operation, path, data: body,
    client_token_accessor: caller?.accessor ?? "", display_name: caller?.displayName ?? "", entity_id: caller?.entityId ?? "",
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    connection: { remote_addr: remoteAddress, remote_port: remotePort },
    mount_accessor: entry.accessor, mount_point: fullPath, mount_type: entry.type,
    wrap_info: wrapTtlSeconds > 0 ? { TTL: wrapTtlSeconds } : null,
    policy_override: false, unauthenticated: caller === undefined,
  };
}

async function inspectRequest(request: EngineRequest<unknown>, storage: ReadStorage, mount: Mount<SystemServices>) {
  requireEnabled(mount);
  const { rooms, node } = mount.services;
  const { caller } = request;
  const identity = caller && identityOf(storage, caller.entityId);
  const auth = identity ? await rooms.mounts.list(storage, "auth") : [];
  return data({
    cluster_id: node.clusterId(), cluster_id_error: null,
    data: request.body, req: shownRequest(request, mount),
    entity: identity ? shownEntity(identity, new Map(auth.map(({ accessor, type }) => [accessor, type]))) : null, entity_error: null,
    groups: identity ? identity.groups.map(({ id, name, metadata }) => ({ ID: id, name, metadata, namespace_id: "root" })) : null, groups_error: null,
    vault_version: node.version, vault_version_error: null,
  });
}

const requestPath = systemPath({
  template: "internal/inspect/request",
  help: { synopsis: "Shows the caller's own request as its handler sees it.", description: "Only where the configuration says introspection_endpoint = true." },
  fields: {},
  freeForm: true,
  operations: { read: { summary: "Shows the caller's own request.", effect: "read", access: "sudo", handler: inspectRequest } },
});

export const inspectPaths: readonly SystemPath[] = [routerPath, requestPath];

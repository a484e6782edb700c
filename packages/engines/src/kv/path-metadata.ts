import { setImmediate } from "node:timers/promises";
import { data, definePath, field, goDuration, keyList, NO_CONTENT, pageFields, RequestError } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, Environment, InputOf, ReadStorage } from "@coffer/state-machine";
import { parseCustomMetadata, patchCustomMetadata } from "./custom-metadata.js";
import { checkMaxVersions } from "./path-config.js";
import { QUERY_FIELD, scanAnswer, scanKeys } from "./scan.js";
import { getConfig, getMetadata, namesFolder, putMetadata } from "./storage.js";
import type { Metadata } from "./storage.js";
import { newMetadata, removeSecret, timeNow } from "./versions.js";

const SETTINGS = {
  cas_required: field.bool({ description: "Whether every write must say which version it replaces (`cas`); the mount may demand it too." }),
  max_versions: field.int({ description: "How many versions are kept. The larger of this and the mount's counts; 0 means the mount's." }),
  delete_version_after: field.duration({ description: "How long after its writing a version is deleted. The shorter of this and the mount's counts; 0 means the mount's." }),
  custom_metadata: field.map({ description: "Key-value pairs about the secret, whatever its version." }),
};

/** Fields of everything that lists. */
const LISTING = {
  path: field.string({ description: "Location of the secret, or of the folder to list.", required: true }),
  ...pageFields(),
  ...QUERY_FIELD,
};

type Settings = Partial<Pick<Metadata, keyof typeof SETTINGS>>;
type ListInput = Pick<InputOf<typeof LISTING>, "path" | "after" | "limit">;

const show = (metadata: Metadata): Record<string, unknown> => ({ ...metadata, delete_version_after: goDuration(metadata.delete_version_after) });

/** Empty where the caller gave none of the settings. */
function settingsOf({ input, given }: EngineRequest<InputOf<typeof SETTINGS>>): Settings {
  return {
    ...(given("cas_required") && { cas_required: input.cas_required! }),
    ...(given("max_versions") && { max_versions: checkMaxVersions(input.max_versions!) }),
    ...(given("delete_version_after") && { delete_version_after: input.delete_version_after! }),
    ...(given("custom_metadata") && { custom_metadata: parseCustomMetadata(input.custom_metadata!) }),
  };
}

/** As `settingsOf`, but null sets a setting back, and custom metadata is merged. */
function patchOf(request: EngineRequest<InputOf<typeof SETTINGS>>, before: Metadata): Settings {
  const { body, input, given } = request;
  const isNull = (name: string) => Object.hasOwn(body, name) && body[name] === null;
  return {
    ...(given("cas_required") && { cas_required: input.cas_required! }),
    ...(given("max_versions") && { max_versions: checkMaxVersions(input.max_versions!) }),
    ...(given("delete_version_after") && { delete_version_after: input.delete_version_after! }),
    ...(given("custom_metadata") && { custom_metadata: patchCustomMetadata(before.custom_metadata, input.custom_metadata!) }),
    ...(isNull("cas_required") && { cas_required: false }),
    ...(isNull("max_versions") && { max_versions: 0 }),
    ...(isNull("delete_version_after") && { delete_version_after: 0 }),
    ...(isNull("custom_metadata") && { custom_metadata: null }),
  };
}

function changed(before: Metadata, settings: Settings, env: Environment): Metadata {
  return { ...before, ...settings, updated_time: timeNow(env) };
}

/** 204, with a warning where the mount overrules a setting. */
function settingsAnswer(storage: ReadStorage, settings: Settings): EnvelopeResponse {
  if (settings.cas_required !== false || !getConfig(storage).cas_required) return NO_CONTENT;
  return { ...NO_CONTENT, warnings: ['"cas_required" set to false, but is mandated by backend config. This value will be ignored.'] };
}

const names = (storage: ReadStorage, { path, after, limit }: ListInput) => storage.list(namesFolder(storage, path), { after, limit });

export const metadataPath = definePath({
  template: "metadata/{path...}",
  help: { synopsis: "Reads and writes the settings of a secret, lists secrets, and removes them.", description: "Removing a secret's metadata removes all of its versions for good." },
  fields: { ...LISTING, ...SETTINGS },
  exists: ({ input }, storage) => getMetadata(storage, input.path) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read the settings and the versions of a secret.",
      handler({ input }, storage) {
        const metadata = getMetadata(storage, input.path);
        return metadata && data(show(metadata));
      },
    },
    update: {
      effect: "write",
      summary: "Write the settings of a secret, which need not have a version yet.",
      handler(request, storage, { env }) {
        const settings = settingsOf(request);
        if (Object.keys(settings).length === 0) return NO_CONTENT;
        const { path } = request.input;
        putMetadata(storage, path, changed(getMetadata(storage, path) ?? newMetadata(timeNow(env)), settings, env));
        return settingsAnswer(storage, settings);
      },
    },
    patch: {
      effect: "write",
      summary: "Change the settings of a secret by JSON merge patch (RFC 7396).",
      handler(request, storage, { env }) {
        const { path } = request.input;
        const before = getMetadata(storage, path);
        if (!before) throw new RequestError("not_found", []);
        const settings = patchOf(request, before);
        if (Object.keys(settings).length > 0) putMetadata(storage, path, changed(before, settings, env));
        return settingsAnswer(storage, settings);
      },
    },
    delete: {
      effect: "write",
      summary: "Remove a secret with all of its versions.",
      handler({ input }, storage) {
        const metadata = getMetadata(storage, input.path);
        if (metadata) removeSecret(storage, input.path, metadata);
        return NO_CONTENT;
      },
    },
    list: { effect: "read", summary: "List the names below a path; folders end in a slash.", handler: async ({ input }, storage) => keyList(await names(storage, input)) },
    scan: {
      effect: "read",
      summary: "List the names below a path and all of its folders, or those that a query describes.",
      handler: async ({ input }, storage, mount) => scanAnswer(await scanKeys(storage, { folder: namesFolder(storage, input.path), room: "metadata/", alsoRoom: "data/" }, input, mount), input.limit),
    },
  },
});

/** What a read of each name's metadata gives, in slices; nothing is known of folders. */
async function details(storage: ReadStorage, path: string, keys: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const prefix = path === "" ? "" : `${path}/`;
  const found: [string, Record<string, unknown>][] = [];
  for (const key of keys) {
    found.push([key, key.endsWith("/") ? {} : show(getMetadata(storage, prefix + key)!)]);
    if (found.length % DETAILS_AT_ONCE === 0) await setImmediate();
  }
  return Object.fromEntries(found);
}

/** Values read before others have their turn, and keys that one request looks at. */
const DETAILS_AT_ONCE = 200;
const MOST_DETAILS = 10_000;

export const detailedMetadataPath = definePath({
  template: "detailed-metadata/{path...}",
  help: { synopsis: "Lists secrets together with their metadata.", description: "As a list of metadata/, with what a read of each secret's metadata gives in key_info." },
  fields: LISTING,
  operations: {
    list: {
      effect: "read",
      summary: "List the names below a path with their metadata.",
      async handler({ input }, storage) {
        const found = await names(storage, input);
        return keyList(found, await details(storage, input.path, found));
      },
    },
    scan: {
      effect: "read",
      summary: "List the names below a path and all of its folders with their metadata, or those that a query describes.",
      async handler({ input }, storage, mount) {
        const found = await scanKeys(storage, { folder: namesFolder(storage, input.path), room: "detailed-metadata/" }, input, mount, MOST_DETAILS);
        return scanAnswer(found, input.limit, await details(storage, input.path, found.keys));
      },
    },
  },
});

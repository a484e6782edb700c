import { data, definePath, field, invalid, isPlainObject, keyList, NO_CONTENT, RequestError } from "@coffer/state-machine";
import { checkMaxVersions, goDuration } from "./path-config.js";
import { getMetadata, METADATA_FOLDER, NEVER, newMetadata, now, putMetadata, removeSecret } from "./model.js";
import type { Metadata } from "./model.js";

const MAX_KEYS = 64;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 512;

/** Throws RequestError 400 in Vault's words. */
function checkCustomMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata);
  const problems: string[] = [];
  if (entries.length > MAX_KEYS) problems.push(`payload must contain at most ${MAX_KEYS} keys, provided ${entries.length}`);
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > MAX_KEY_LENGTH) problems.push(`length of key ${JSON.stringify(key.slice(0, MAX_KEY_LENGTH))} is ${key.length} but must be 0 < len(key) <= ${MAX_KEY_LENGTH}`);
    if (value.length === 0 || value.length > MAX_VALUE_LENGTH) problems.push(`length of value for key ${JSON.stringify(key.slice(0, MAX_KEY_LENGTH))} is ${value.length} but must be 0 < len(value) <= ${MAX_VALUE_LENGTH}`);
    if (/[^\x20-\x7e]/.test(key + value)) problems.push(`key ${JSON.stringify(key)} or its value contains unprintable characters`);
  }
  if (problems.length > 0) throw invalid(`custom_metadata validation failed: ${problems.join("; ")}`);
  return metadata;
}

function show(metadata: Metadata): Record<string, unknown> {
  return { ...metadata, delete_version_after: goDuration(metadata.delete_version_after) };
}

const fields = {
  path: field.string({ description: "Location of the secret.", required: true }),
  cas_required: field.bool({ description: "If true the key will require the cas parameter to be set on all write requests. If false, the backend's configuration will be used." }),
  max_versions: field.int({ description: "The number of versions to keep. If not set, the backend's configured max version is used." }),
  delete_version_after: field.signedDuration({ description: "The length of time before a version is deleted. If not set, the backend's configured delete_version_after is used." }),
  custom_metadata: field.pairs({ description: "User-provided key-value pairs that are used to describe arbitrary and version-agnostic information about a secret." }),
  after: field.string({ description: "Optional entry to begin listing after; not required to exist.", query: true, default: "" }),
  limit: field.int({ description: "Optional number of entries to return; defaults to all entries.", query: true, default: 0 }),
};

const folder = (path: string) => `${METADATA_FOLDER}${path === "" ? "" : `${path}/`}`;
const paging = ({ after, limit }: { readonly after: string; readonly limit: number }) => ({ ...(after !== "" && { after }), ...(limit > 0 && { limit }) });

export const metadataPath = definePath({
  template: "metadata/{path...}",
  help: { synopsis: "Allows interaction with key metadata and settings in the KV store.", description: "This path provides endpoints for updating and reading a secret's settings and metadata, listing secrets, and deleting all of a secret's versions with it." },
  fields,
  exists: ({ input }, storage) => getMetadata(storage, input.path) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read the metadata and versions of a secret.",
      handler({ input }, storage) {
        const metadata = getMetadata(storage, input.path);
        return metadata && data(show(metadata));
      },
    },
    update: {
      effect: "write",
      summary: "Write the settings and custom metadata of a secret.",
      handler({ input }, storage, { env }) {
        const time = now(env);
        const before = getMetadata(storage, input.path) ?? newMetadata(time);
        putMetadata(storage, input.path, {
          ...before,
          cas_required: input.cas_required ?? before.cas_required,
          max_versions: checkMaxVersions(input.max_versions ?? before.max_versions),
          delete_version_after: input.delete_version_after === undefined ? before.delete_version_after : Math.max(NEVER, input.delete_version_after),
          custom_metadata: input.custom_metadata === undefined ? before.custom_metadata : checkCustomMetadata(input.custom_metadata),
          updated_time: time,
        });
        return NO_CONTENT;
      },
    },
    patch: {
      effect: "write",
      summary: "Patch the settings and custom metadata of a secret by JSON merge patch.",
      handler({ input, body }, storage, { env }) {
        const before = getMetadata(storage, input.path);
        if (!before) throw new RequestError("not_found", []);
        putMetadata(storage, input.path, {
          ...before,
          cas_required: body["cas_required"] === null ? false : (input.cas_required ?? before.cas_required),
          max_versions: body["max_versions"] === null ? 0 : checkMaxVersions(input.max_versions ?? before.max_versions),
          delete_version_after: body["delete_version_after"] === null ? 0 : input.delete_version_after === undefined ? before.delete_version_after : Math.max(NEVER, input.delete_version_after),
          custom_metadata: patchCustom(before.custom_metadata, body["custom_metadata"]),
          updated_time: now(env),
        });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a secret: all of its versions and its metadata.",
      handler({ input }, storage) {
        const metadata = getMetadata(storage, input.path);
        if (metadata) removeSecret(storage, input.path, metadata);
        return NO_CONTENT;
      },
    },
    list: { effect: "read", summary: "List secret names.", handler: async ({ input }, storage) => keyList(await storage.list(folder(input.path), paging(input))) },
    scan: { effect: "read", summary: "List secret names, recursively.", handler: async ({ input }, storage) => keyList(await storage.keys(folder(input.path), paging(input))) },
  },
});

function patchCustom(before: Metadata["custom_metadata"], patch: unknown): Metadata["custom_metadata"] {
  if (patch === undefined) return before;
  if (patch === null) return null;
  if (!isPlainObject(patch)) throw invalid("custom_metadata must be a map");
  const merged = new Map(Object.entries(before ?? {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, String(value));
  }
  return checkCustomMetadata(Object.fromEntries(merged));
}

export const detailedMetadata = definePath({
  template: "detailed-metadata/{path...}",
  help: { synopsis: "Lists secrets together with their metadata.", description: "As a list of metadata/, with the metadata of each secret in key_info." },
  fields: { path: fields.path, after: fields.after, limit: fields.limit },
  operations: {
    list: {
      effect: "read",
      summary: "List secret names and their metadata.",
      async handler({ input }, storage) {
        const keys = await storage.list(folder(input.path), paging(input));
        const prefix = input.path === "" ? "" : `${input.path}/`;
        const info = keys.filter((key) => !key.endsWith("/")).map((key) => [key, show(getMetadata(storage, prefix + key)!)] as const);
        return keyList(keys, Object.fromEntries(info));
      },
    },
  },
});

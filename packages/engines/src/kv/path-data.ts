import { data, definePath, field, invalid, isPlainObject, NO_CONTENT, RequestError } from "@coffer/state-machine";
import type { EnvelopeResponse } from "@coffer/state-machine";
import { casOf, checkCas } from "./cas.js";
import { mergePatch } from "./merge-patch.js";
import { addVersion, getConfig, getMetadata, getSecret, isGone, now, setDeletionTime } from "./model.js";
import type { Metadata, Secret, Version } from "./model.js";

function versionMetadata(metadata: Metadata, number: number, version: Version): Record<string, unknown> {
  return { created_time: version.created_time, custom_metadata: metadata.custom_metadata, deletion_time: version.deletion_time, destroyed: version.destroyed, version: number };
}

/** A version that is deleted or destroyed answers 404, with its metadata. */
function gone(metadata: Metadata, number: number, version: Version): EnvelopeResponse {
  return data({ data: null, metadata: versionMetadata(metadata, number, version) }, { status: 404 });
}

const path = field.string({ description: "Location of the secret.", required: true });

export const dataPath = definePath({
  template: "data/{path...}",
  help: { synopsis: "Write, Patch, Read, and Delete data in the Key-Value Store.", description: "This path takes a key name and based on the operation stores, retrieves or deletes versions of data." },
  fields: {
    path,
    version: field.int({ description: "If provided during a read, the value at the version number will be returned.", query: true, default: 0 }),
    options: field.map({ description: "Options for writing a KV entry. Set the \"cas\" value to use a Check-And-Set operation." }),
    data: field.map({ description: "The contents of the data map will be stored and returned on read.", sensitive: true }),
  },
  exists: ({ input }, storage) => {
    const metadata = getMetadata(storage, input.path);
    return metadata !== undefined && metadata.current_version > 0;
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read a version of a secret.",
      handler({ input }, storage, { env }) {
        const metadata = getMetadata(storage, input.path);
        if (!metadata) return undefined;
        const number = input.version > 0 ? input.version : metadata.current_version;
        const version = metadata.versions[number];
        if (!version) return undefined;
        if (isGone(version, env)) return gone(metadata, number, version);
        return data({ data: getSecret(storage, input.path, number), metadata: versionMetadata(metadata, number, version) });
      },
    },
    update: {
      effect: "write",
      summary: "Write a new version of a secret.",
      handler({ input, given }, storage, { env }) {
        if (!given("data")) throw invalid("no data provided");
        const before = getMetadata(storage, input.path);
        checkCas(casOf(input.options), before, getConfig(storage));
        const { metadata, version } = addVersion(storage, input.path, input.data ?? {}, before, env);
        return data(versionMetadata(metadata, version, metadata.versions[version]!));
      },
    },
    patch: {
      effect: "write",
      summary: "Patch the newest version of a secret by JSON merge patch (RFC 7396), as a new version.",
      handler({ input, given }, storage, { env }) {
        if (!given("data")) throw invalid("no data provided");
        const cas = casOf(input.options);
        if (cas === 0) throw invalid("cas parameter of 0 is not permitted for patch operation");
        const before = getMetadata(storage, input.path);
        const current = before?.versions[before.current_version];
        if (!before || !current) throw new RequestError("not_found", []);
        checkCas(cas, before, getConfig(storage));
        if (isGone(current, env)) return gone(before, before.current_version, current);
        const patched = mergePatch(getSecret(storage, input.path, before.current_version) ?? {}, input.data ?? {}) as Secret;
        const { metadata, version } = addVersion(storage, input.path, patched, before, env);
        return data(versionMetadata(metadata, version, metadata.versions[version]!));
      },
    },
    delete: {
      effect: "write",
      summary: "Delete the newest version of a secret; it can be undeleted.",
      handler({ input }, storage, { env }) {
        const metadata = getMetadata(storage, input.path);
        const current = metadata?.versions[metadata.current_version];
        if (metadata && current && !isGone(current, env)) setDeletionTime(storage, input.path, metadata, [metadata.current_version], now(env));
        return NO_CONTENT;
      },
    },
  },
});

/** The keys of a secret without its values: null where a value stood, to a depth. */
function keysOnly(value: unknown, depth: number): unknown {
  if (!isPlainObject(value)) return null;
  if (depth === 0) return null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, keysOnly(item, depth - 1)]));
}

export const subkeys = definePath({
  template: "subkeys/{path...}",
  help: { synopsis: "Read the structure of a secret entry from the Key-Value store with the values removed.", description: "This path provides the subkeys that exist within a secret entry, without the underlying values." },
  fields: {
    path,
    version: field.int({ description: "Specifies which version to retrieve. If not provided, the current version will be used.", query: true, default: 0 }),
    depth: field.int({ description: "Deepest nesting level to provide in the output. The default of 0 will not impose any limit.", query: true, default: 0 }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the keys of a secret without its values.",
      handler({ input }, storage, { env }) {
        if (input.depth < 0) throw invalid("depth cannot be negative");
        const metadata = getMetadata(storage, input.path);
        const number = input.version > 0 ? input.version : (metadata?.current_version ?? 0);
        const version = metadata?.versions[number];
        if (!metadata || !version) return undefined;
        if (isGone(version, env)) return data({ subkeys: null, metadata: versionMetadata(metadata, number, version) }, { status: 404 });
        return data({ subkeys: keysOnly(getSecret(storage, input.path, number), input.depth === 0 ? Infinity : input.depth), metadata: versionMetadata(metadata, number, version) });
      },
    },
  },
});

import { data, definePath, field, invalid, NO_CONTENT, RequestError } from "@coffer/state-machine";
import type { EnvelopeResponse } from "@coffer/state-machine";
import { checkCas } from "./cas.js";
import { mergePatch } from "./merge-patch.js";
import { getConfig, getMetadata, getSecret } from "./storage.js";
import type { Secret } from "./storage.js";
import { describeVersion, versionAnswer } from "./version-answer.js";
import { addVersion, deleteVersions, isGone } from "./versions.js";
import type { Added } from "./versions.js";

const written = ({ metadata, number, version }: Added): EnvelopeResponse => data(describeVersion(metadata, number, version));

export const dataPath = definePath({
  template: "data/{path...}",
  help: {
    synopsis: "Reads, writes, patches and deletes versions of a secret.",
    description:
      "Each write makes a new version; older ones stay readable up to the limit of the mount or the secret. A patch (JSON merge patch) makes a new version from the newest. Deleting hides the newest version, and can be undone (see undelete/).",
  },
  fields: {
    path: field.string({ description: "Location of the secret.", required: true }),
    version: field.int({ description: "The version to read; 0 means the newest.", query: true, default: 0 }),
    options: field.map({ description: "Options of a write. `cas` says which version it replaces: it fails unless that is the newest; 0 means that there is none yet." }),
    data: field.map({ description: "The secret: what a read gives back.", sensitive: true }),
  },
  exists: ({ input }, storage) => getMetadata(storage, input.path) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a version of a secret.",
      handler: ({ input }, storage, { env }) => versionAnswer(storage, input.path, input.version, "data", (secret) => secret, env),
    },
    update: {
      effect: "write",
      summary: "Write a new version of a secret.",
      handler({ input }, storage, { env }) {
        if (input.data === undefined) throw invalid("no data provided");
        const before = getMetadata(storage, input.path);
        checkCas(input.options, before, getConfig(storage));
        return written(addVersion(storage, input.path, input.data, before, env));
      },
    },
    patch: {
      effect: "write",
      summary: "Change the newest version of a secret by JSON merge patch (RFC 7396), as a new version.",
      handler({ input }, storage, { env }) {
        if (input.data === undefined) throw invalid("no data provided");
        const before = getMetadata(storage, input.path);
        if (!before) throw new RequestError("not_found", []);
        checkCas(input.options, before, getConfig(storage));
        const number = before.current_version;
        const current = before.versions[number];
        if (!current) throw new RequestError("not_found", []);
        if (isGone(current, env)) return data(describeVersion(before, number, current), { status: 404 });
        const patched = mergePatch(getSecret(storage, input.path, number)!, input.data) as Secret;
        return written(addVersion(storage, input.path, patched, before, env));
      },
    },
    delete: {
      effect: "write",
      summary: "Delete the newest version of a secret; that can be undone.",
      handler({ input }, storage, { env }) {
        const metadata = getMetadata(storage, input.path);
        if (metadata) deleteVersions(storage, input.path, metadata, [metadata.current_version], env);
        return NO_CONTENT;
      },
    },
  },
});

import { data, definePath, field } from "@coffer/state-machine";
import type { Engine, EnvelopeResponse } from "@coffer/state-machine";
import { config } from "./path-config.js";
import { dataPath, subkeys } from "./path-data.js";
import { detailedMetadata, metadataPath } from "./path-metadata.js";
import { deletePath, destroyPath, undeletePath } from "./path-versions.js";

const WRONG_PATH =
  "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv %s' for this operation.";

function wrongPath(verb: string): EnvelopeResponse {
  return data({}, { status: 404, warnings: [WRONG_PATH.replace("%s", verb)] });
}

/** Who asks as if this were version 1 learns where to look. */
const versionOnePath = definePath({
  template: "{path...}",
  help: { synopsis: "Paths of a version 1 store.", description: "A versioned store keeps its secrets below data/." },
  fields: { path: field.string({ description: "Location of the secret.", required: true }) },
  freeForm: true,
  operations: {
    read: { effect: "read", summary: "Tells the versioned path.", handler: () => wrongPath("get") },
    update: { effect: "read", summary: "Tells the versioned path.", handler: () => wrongPath("put") },
    delete: { effect: "read", summary: "Tells the versioned path.", handler: () => wrongPath("delete") },
    list: { effect: "read", summary: "Tells the versioned path.", handler: () => wrongPath("list") },
    patch: { effect: "read", summary: "Tells the versioned path.", handler: () => wrongPath("patch") },
  },
});

export const kvV2: Engine = {
  type: "kv",
  table: "secret",
  help: "This backend provides a versioned key-value store. The kv backend reads and writes arbitrary secrets to the storage backend. The secrets are encrypted/decrypted by the barrier: they are never stored unencrypted in the backend and the backend never has an opportunity to see the unencrypted value. Each key can have a configured number of versions, and versions can be retrieved based on their version numbers.",
  paths: [config, dataPath, subkeys, metadataPath, detailedMetadata, deletePath, undeletePath, destroyPath, versionOnePath],
};

import { definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { Environment, WriteStorage } from "@coffer/state-machine";
import { getMetadata } from "./storage.js";
import type { Metadata } from "./storage.js";
import { deleteVersions, destroyVersions, undeleteVersions } from "./versions.js";

type Change = (storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], env: Environment) => void;

const FIELDS = {
  path: field.string({ description: "Location of the secret.", required: true }),
  versions: field.intList({ description: "The versions to act on; those that do not exist are passed over.", default: [] }),
};

/** Three paths that differ in one verb: each acts on the listed versions of a secret. */
function versionsPath(verb: "delete" | "undelete" | "destroy", synopsis: string, description: string, change: Change) {
  return definePath<string, typeof FIELDS>({
    template: `${verb}/{path...}`,
    help: { synopsis, description },
    fields: FIELDS,
    operations: {
      update: {
        effect: "write",
        summary: synopsis,
        handler({ input }, storage, { env }) {
          if (input.versions.length === 0) throw invalid("No version number provided");
          const metadata = getMetadata(storage, input.path);
          if (metadata) change(storage, input.path, metadata, input.versions, env);
          return NO_CONTENT;
        },
      },
    },
  });
}

export const deletePath = versionsPath("delete", "Delete versions of a secret; that can be undone.", "The data stays stored, but reads answer 404 until it is undeleted.", deleteVersions);
export const undeletePath = versionsPath("undelete", "Bring deleted versions of a secret back.", "Versions that were destroyed stay so.", undeleteVersions);
export const destroyPath = versionsPath("destroy", "Destroy versions of a secret for good.", "The data is removed from storage; that the version existed stays in the metadata.", destroyVersions);

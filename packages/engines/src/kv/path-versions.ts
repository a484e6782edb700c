import { definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { WriteStorage, Environment } from "@coffer/state-machine";
import { destroyVersions, getMetadata, isGone, now, setDeletionTime } from "./model.js";
import type { Metadata } from "./model.js";

type Change = (storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], env: Environment) => void;

const fields = {
  path: field.string({ description: "Location of the secret.", required: true }),
  versions: field.intList({ description: "The versions to act on." }),
};

function versionsPath(name: "delete" | "undelete" | "destroy", synopsis: string, change: Change) {
  return definePath<string, typeof fields>({
    template: `${name}/{path...}`,
    help: { synopsis, description: `${synopsis} The versions stay listed in the metadata.` },
    fields,
    operations: {
      update: {
        effect: "write",
        summary: synopsis,
        handler({ input }, storage, { env }) {
          if (!input.versions || input.versions.length === 0) throw invalid("No version number provided");
          const metadata = getMetadata(storage, input.path);
          if (metadata) change(storage, input.path, metadata, input.versions, env);
          return NO_CONTENT;
        },
      },
    },
  });
}

export const deletePath = versionsPath("delete", "Marks one or more versions as deleted in the KV store.", (storage, path, metadata, numbers, env) => {
  const live = numbers.filter((number) => metadata.versions[number] && !isGone(metadata.versions[number], env));
  setDeletionTime(storage, path, metadata, live, now(env));
});

export const undeletePath = versionsPath("undelete", "Undeletes one or more versions from the KV store.", (storage, path, metadata, numbers) => setDeletionTime(storage, path, metadata, numbers, ""));

export const destroyPath = versionsPath("destroy", "Permanently removes one or more versions in the KV store.", destroyVersions);

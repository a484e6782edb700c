import { data, definePath, field, goDuration, invalid, NO_CONTENT } from "@coffer/state-machine";
import { getConfig, NEVER_DELETE, putConfig } from "./storage.js";

/** Throws RequestError 400 for a negative number of versions. */
export function checkMaxVersions(value: number): number {
  if (value < 0) throw invalid("max_versions cannot be negative");
  return value;
}

export const configPath = definePath({
  template: "config",
  help: { synopsis: "Settings of the mount.", description: "They hold for every secret of this mount, unless the secret's own metadata says otherwise." },
  fields: {
    max_versions: field.int({ description: "How many versions of each secret are kept; 0 means 10." }),
    cas_required: field.bool({ description: "Whether every write must say which version it replaces (`cas`)." }),
    delete_version_after: field.signedDuration({ description: "How long after its writing a version is deleted. 0 means never unless the secret says so; a negative duration means never whatever the secret says." }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the mount's settings.",
      handler(_request, storage) {
        const config = getConfig(storage);
        return data({ ...config, delete_version_after: goDuration(config.delete_version_after) });
      },
    },
    update: {
      effect: "write",
      summary: "Change the mount's settings; what is not given stays.",
      handler({ input }, storage) {
        const before = getConfig(storage);
        putConfig(storage, {
          cas_required: input.cas_required ?? before.cas_required,
          max_versions: checkMaxVersions(input.max_versions ?? before.max_versions),
          delete_version_after: Math.max(NEVER_DELETE, input.delete_version_after ?? before.delete_version_after),
        });
        return NO_CONTENT;
      },
    },
  },
});

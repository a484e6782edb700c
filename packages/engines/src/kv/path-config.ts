import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import { getConfig, NEVER, putConfig } from "./model.js";

/** Go's text of whole seconds: "1h30m0s", "0s". */
export function goDuration(seconds: number): string {
  if (seconds <= 0) return "0s";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h > 0 ? `${h}h` : ""}${h > 0 || m > 0 ? `${m}m` : ""}${s}s`;
}

/** A number of versions: the negative ones make no sense. */
export function checkMaxVersions(value: number): number {
  if (value < 0) throw invalid("max_versions cannot be negative");
  return value;
}

export const config = definePath({
  template: "config",
  help: { synopsis: "Configures settings for the KV store", description: "This path configures backend level settings that are applied to every key in the key-value store." },
  fields: {
    max_versions: field.int({ description: "The number of versions to keep for each key. Defaults to 10." }),
    cas_required: field.bool({ description: "If true, the backend will require the cas parameter to be set for each write." }),
    delete_version_after: field.signedDuration({ description: "If set, the length of time before a version is deleted. A negative duration disables the use of delete_version_after on all keys. A zero duration clears the current setting." }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the backend level settings.",
      handler(_request, storage) {
        const found = getConfig(storage);
        return data({ cas_required: found.cas_required, delete_version_after: goDuration(found.delete_version_after), max_versions: found.max_versions });
      },
    },
    update: {
      effect: "write",
      summary: "Configure backend level settings that are applied to every key in the key-value store.",
      handler({ input }, storage) {
        const before = getConfig(storage);
        putConfig(storage, {
          cas_required: input.cas_required ?? before.cas_required,
          max_versions: checkMaxVersions(input.max_versions ?? before.max_versions),
          delete_version_after: input.delete_version_after === undefined ? before.delete_version_after : Math.max(NEVER, input.delete_version_after),
        });
        return NO_CONTENT;
      },
    },
  },
});

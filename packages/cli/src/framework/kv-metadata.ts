import { formatGoDuration } from "@coffer/client";
import type { Flag, FlagValues } from "./flags.js";

export const METADATA_FLAGS: readonly Flag[] = [
  { name: "max-versions", kind: "int", help: "How many versions to keep; 0 for the engine's default." },
  { name: "cas-required", kind: "bool", help: "Whether every write has to name the current version." },
  { name: "delete-version-after", kind: "duration", help: "How long a version lives." },
  { name: "custom-metadata", kind: "map", help: "Metadata of your own, key=value. May be repeated." },
];

/** What the flags say about a secret's metadata; what was not given stays as it is. */
export function metadataBody(flags: FlagValues): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (flags.int("max-versions", -1) >= 0) body["max_versions"] = flags.int("max-versions");
  if (flags.duration("delete-version-after", -1) >= 0) body["delete_version_after"] = formatGoDuration(flags.duration("delete-version-after"));
  if (flags.has("cas-required")) body["cas_required"] = flags.bool("cas-required");
  if (flags.has("custom-metadata")) body["custom_metadata"] = flags.map("custom-metadata");
  return body;
}

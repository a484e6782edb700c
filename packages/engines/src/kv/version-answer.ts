import { data } from "@coffer/state-machine";
import type { EnvelopeResponse, Environment, ReadStorage } from "@coffer/state-machine";
import { getMetadata, getSecret } from "./storage.js";
import type { Metadata, Secret, Version } from "./storage.js";
import { isGone } from "./versions.js";

/** A version as the answers to reads and writes tell of it. */
export function describeVersion({ custom_metadata }: Metadata, number: number, { created_time, deletion_time, destroyed }: Version): Record<string, unknown> {
  return { created_time, custom_metadata, deletion_time, destroyed, version: number };
}

/**
 * The answer to a read of one version; 0 means the newest. `member` is what the shown data is called. A version that is gone
 * answers 404 WITH its metadata, which is how clients tell it from one that never was.
 */
export function versionAnswer(storage: ReadStorage, path: string, asked: number, member: string, show: (secret: Secret) => unknown, env: Environment): EnvelopeResponse | undefined {
  const metadata = getMetadata(storage, path);
  const number = asked > 0 ? asked : (metadata?.current_version ?? 0);
  const version = metadata?.versions[number];
  if (!metadata || !version) return undefined;
  const described = describeVersion(metadata, number, version);
  if (isGone(version, env)) return data({ [member]: null, metadata: described }, { status: 404 });
  return data({ [member]: show(getSecret(storage, path, number)!), metadata: described });
}

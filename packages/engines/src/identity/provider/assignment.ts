import { jsonCodec } from "@coffer/state-machine";
import type { Identity, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** Who may log in to a client, below `core/`: `identity/oidc/assignment/<name>`. */
export interface Assignment {
  readonly name: string;
  /** Lower case. */
  readonly entityIds: readonly string[];
  readonly groupIds: readonly string[];
}

export const ASSIGNMENTS = "identity/oidc/assignment/";
/** Is there always, and cannot be changed. */
export const ALLOW_ALL: Assignment = Object.freeze({ name: "allow_all", entityIds: ["*"], groupIds: ["*"] });
const codec = jsonCodec<Assignment>();

export function getAssignment(storage: ReadStorage, name: string): Assignment | undefined {
  return name === ALLOW_ALL.name ? ALLOW_ALL : storage.get(ASSIGNMENTS + name, codec);
}

export function putAssignment(storage: WriteStorage, assignment: Assignment): void {
  storage.put(ASSIGNMENTS + assignment.name, codec, assignment);
}

/** Whether one of the assignments speaks of the entity or of one of its groups; those that are disabled are in none. */
export function isAssigned(storage: ReadStorage, names: readonly string[], { entity, groups }: Identity): boolean {
  if (entity.disabled) return false;
  return names.some((name) => {
    if (name === ALLOW_ALL.name) return true;
    const found = getAssignment(storage, name);
    return found !== undefined && (found.entityIds.includes(entity.id) || groups.some(({ id }) => found.groupIds.includes(id)));
  });
}

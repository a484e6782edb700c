import type { MountEntry } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import type { Identity } from "../identity/index.js";
import { getMethod } from "./method.js";

/** Which logins need a second factor: any one of its methods. */
export interface Enforcement {
  readonly id: string;
  readonly name: string;
  readonly methodIds: readonly string[];
  readonly authMethodAccessors: readonly string[];
  readonly authMethodTypes: readonly string[];
  readonly groupIds: readonly string[];
  readonly entityIds: readonly string[];
}

/** All of them in one value below `core/`: every login asks, and a change of one conflicts with the logins meanwhile. */
const KEY = "mfa/enforcements";
type Table = Readonly<Record<string, Enforcement>>;
const codec = jsonCodec<Table>();
const NONE: Table = Object.freeze({});

export function enforcements(storage: ReadStorage): Table {
  return storage.get(KEY, codec) ?? NONE;
}

export function getEnforcement(storage: ReadStorage, name: string): Enforcement | undefined {
  const table = enforcements(storage);
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

export function putEnforcement(storage: WriteStorage, enforcement: Enforcement): void {
  storage.put(KEY, codec, { ...enforcements(storage), [enforcement.name]: enforcement });
}

export function removeEnforcement(storage: WriteStorage, name: string): void {
  const { [name]: _, ...rest } = enforcements(storage);
  storage.put(KEY, codec, rest);
}

/** Those that a login falls under, sorted by name. */
export function enforcementsFor(storage: ReadStorage, mount: Pick<MountEntry, "accessor" | "type">, identity: Identity | undefined): Enforcement[] {
  const isMeant = (one: Enforcement) =>
    one.authMethodAccessors.includes(mount.accessor) ||
    one.authMethodTypes.includes(mount.type) ||
    (identity !== undefined && (one.entityIds.includes(identity.entity.id) || identity.groups.some(({ id }) => one.groupIds.includes(id))));
  return Object.values(enforcements(storage)).filter(isMeant).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `auth.mfa_requirement` of a login that waits for its second factor. */
export function mfaRequirement(storage: ReadStorage, requestId: string, demanded: readonly Enforcement[]): Readonly<Record<string, unknown>> {
  const any = ({ methodIds }: Enforcement) => methodIds.flatMap((id) => {
    const method = getMethod(storage, id);
    return method ? [{ type: method.type, id, uses_passcode: method.type === "totp" || (method.type === "duo" && method.duo.usePasscode), name: method.name }] : [];
  });
  return { mfa_request_id: requestId, mfa_constraints: Object.fromEntries(demanded.map((one) => [one.name, { any: any(one) }])) };
}

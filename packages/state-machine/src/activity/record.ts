import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { mountIndex, mountRow } from "../mounts/index.js";
import type { Client, ClientKind } from "./client.js";
import { monthOf } from "./months.js";
import type { Month } from "./months.js";

/**
 * Who was active in a month, exactly, below `core/`: `activity/month/<month>/<client id>/<kind>/<mount accessor>`. All that is
 * counted stands in the keys, which sort by client in every month: so months are merged without holding any of them in memory.
 */
export const MONTHS = "activity/month/";
export const monthFolder = (month: Month) => `${MONTHS}${month}/`;

export interface Use {
  readonly id: string;
  readonly kind: ClientKind;
  readonly accessor: string;
}

const codec = jsonCodec<{ readonly firstMs: number }>();

/** Name below the month's folder. */
export const nameOf = ({ id, kind, accessor }: Use): string => `${id}/${kind}/${accessor}`;

export function useOf(name: string): Use {
  const [id, kind, accessor] = name.split("/") as [string, ClientKind, string];
  return { id, kind, accessor };
}

export const accessorOf = (storage: ReadStorage, { mountUuid }: Pick<Client, "mountUuid">): string =>
  mountRow(storage, mountUuid === "" ? (mountIndex(storage)["auth/token/"] ?? "") : mountUuid)?.accessor ?? "gone";

/** Once a month: what was recorded first stays. */
export async function recordClient(storage: WriteStorage, client: Client): Promise<void> {
  const folder = monthFolder(monthOf(client.firstMs));
  const [known] = await storage.keys(`${folder}${client.id}/`, { limit: 1 });
  if (known !== undefined) return;
  storage.put(folder + nameOf({ id: client.id, kind: client.kind, accessor: accessorOf(storage, client) }), codec, { firstMs: client.firstMs });
}

/** Milliseconds since 1970; undefined for a use that is not recorded. */
export const firstSeen = (storage: ReadStorage, month: Month, use: Use): number | undefined => storage.get(monthFolder(month) + nameOf(use), codec)?.firstMs;

/** A slice of a month is deleted. True when there is more. */
export async function dropMonth(storage: WriteStorage, month: Month, limit: number): Promise<boolean> {
  const names = await storage.keys(monthFolder(month), { limit });
  for (const name of names) storage.delete(monthFolder(month) + name);
  return names.length === limit;
}

import { aliasOf, getEntity, mountNames } from "../identity/index.js";
import { clientsOf } from "./count.js";
import type { ClientUses } from "./count.js";
import { monthsBetween, startOf, timestamp } from "./months.js";
import { firstSeen } from "./record.js";
import { deleted, waitingUses } from "./report.js";
import type { Period, ReportOptions } from "./report.js";

/** A client as Vault's export gives it. Names are those of now; empty where nothing is known (any more). */
interface ExportRecord {
  readonly entity_name: string;
  readonly entity_alias_name: string;
  readonly local_entity_alias: boolean;
  readonly client_id: string;
  readonly client_type: string;
  readonly namespace_id: string;
  readonly namespace_path: string;
  readonly mount_accessor: string;
  readonly mount_type: string;
  readonly mount_path: string;
  /** When it was first seen in the period. */
  readonly timestamp: string;
  readonly policies: readonly string[];
  readonly entity_metadata: Readonly<Record<string, string>>;
  readonly entity_alias_metadata: Readonly<Record<string, string>>;
  readonly entity_alias_custom_metadata: Readonly<Record<string, string>>;
  readonly entity_group_ids: readonly string[];
}

export type ExportFormat = "json" | "csv";

const COLUMNS = [
  "entity_name", "entity_alias_name", "local_entity_alias", "client_id", "client_type", "namespace_id", "namespace_path", "mount_accessor", "mount_type", "mount_path",
  "timestamp", "policies", "entity_metadata", "entity_alias_metadata", "entity_alias_custom_metadata", "entity_group_ids",
] as const satisfies readonly (keyof ExportRecord)[];

function recordOf({ store }: ReportOptions, months: readonly string[], { id, kind, uses }: ClientUses): ExportRecord {
  return store.evaluate((tx) => {
    const core = tx.scoped("core/");
    const index = Math.min(...uses.keys());
    const [use] = uses.get(index)!;
    const mount = mountNames(core).get(use!.accessor);
    const entity = kind === "entity" ? getEntity(core, id) : undefined;
    const alias = entity && aliasOf(entity, use!.accessor);
    return {
      entity_name: entity?.name ?? "",
      entity_alias_name: alias?.name ?? "",
      local_entity_alias: alias?.local ?? false,
      client_id: id,
      client_type: kind,
      namespace_id: "root",
      namespace_path: "",
      mount_accessor: use!.accessor,
      mount_type: mount?.type ?? "",
      mount_path: mount?.path ?? deleted(use!.accessor),
      timestamp: timestamp(firstSeen(core, months[index]!, use!) ?? startOf(months[index]!)),
      policies: entity?.policies ?? [],
      entity_metadata: entity?.metadata ?? {},
      entity_alias_metadata: alias?.metadata ?? {},
      entity_alias_custom_metadata: alias?.customMetadata ?? {},
      entity_group_ids: entity?.directGroupIds ?? [],
    };
  }).value;
}

/** RFC 4180; what is no text stands as JSON. A text that a spreadsheet would take for a formula is one no more. */
function csvCell(value: unknown): string {
  const text = typeof value === "string" ? value.replace(/^[=+\-@\t\r]/, "'$&") : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line a client, each of whom comes once; of CSV a line of names before them. */
export async function* exportLines(options: ReportOptions, { first, last }: Period, format: ExportFormat): AsyncGenerator<string> {
  const months = monthsBetween(first, last);
  let isFirst = true;
  for await (const client of clientsOf(options.store, months, waitingUses(options, last))) {
    const record = recordOf(options, months, client);
    if (format === "csv" && isFirst) yield `${COLUMNS.join(",")}\n`;
    isFirst = false;
    yield format === "csv" ? `${COLUMNS.map((name) => csvCell(record[name])).join(",")}\n` : `${JSON.stringify(record)}\n`;
  }
}

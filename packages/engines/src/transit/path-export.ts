import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { inPathOrNot, NAME } from "./crypto-fields.js";
import { exportVersion, isExportFormat, isExportKind } from "./export.js";
import type { ExportKind } from "./export.js";
import { capabilitiesOf } from "./key-types.js";
import { getKey } from "./storage.js";
import type { Key, KeyVersion } from "./storage.js";
import { liveVersions, refuseSoftDeleted, requireVersion } from "./versions.js";

/** Throws RequestError 400. */
function checkExport(key: Key, kind: ExportKind): void {
  const isPublic = kind === "public-key" || kind === "certificate-chain";
  if (!isPublic && !key.exportable) throw invalid("private key material is not exportable");
  refuseSoftDeleted(key);
  const can = capabilitiesOf(key.type);
  if (kind === "encryption-key" && !can.encryption) throw invalid("encryption not supported for the key");
  if (kind === "signing-key" && !can.signing) throw invalid("signing not supported for the key");
  if (kind === "certificate-chain" && !can.signing) throw invalid("certificate chain not supported for keys that do not support signing");
}

/** Those that may be exported, or the one asked for: "latest", "v2", "2". Throws RequestError 400. */
export function versionsToExport(storage: ReadStorage, key: Key, asked: string): [number, KeyVersion][] {
  if (asked === "") return liveVersions(storage, key);
  const text = asked.replace(/^v/, "");
  if (asked !== "latest" && !/^\d{1,9}$/.test(text)) throw invalid("invalid key version");
  const number = asked === "latest" ? key.latest_version : Number(text);
  if (number < key.min_decryption_version) throw invalid("version for export is below minimum decryption version");
  if (number > key.latest_version) throw invalid("version does not exist or cannot be found");
  return [[number, requireVersion(storage, key, number)]];
}

/** The version may stand in the path. */
export const exportPaths = (["export/{type}/{name}", "export/{type}/{name}/{version}"] as const).map((template) =>
  definePath({
    template: template as "export/{type}/{name}",
    help: { synopsis: "Reads the material of a key.", description: "Only keys made exportable give what is secret; public keys and certificates can always be read." },
    fields: {
      type: field.string({ description: "What to export: encryption-key, signing-key, hmac-key, public-key or certificate-chain.", required: true }),
      name: NAME,
      version: inPathOrNot(template, "version", "Version of the key, or latest; empty means all."),
      format: field.string({ description: "How it is written: raw (base64), der (base64) or pem; empty for what is usual for the type.", query: true, default: "" }),
    },
    operations: {
      read: {
        effect: "read",
        summary: "Export a key.",
        handler({ input }, storage) {
          const { type: kind, format } = input;
          if (!isExportKind(kind)) throw invalid(`invalid export type: ${kind}`);
          if (!isExportFormat(format)) throw invalid(`invalid format: ${format}`);
          const key = getKey(storage, input.name);
          if (!key) return undefined;
          checkExport(key, kind);
          const keys = versionsToExport(storage, key, input.version).map(([number, version]) => [number, exportVersion(key, version, kind, format)]);
          return data({ name: key.name, type: key.type, keys: Object.fromEntries(keys) as Record<string, string> });
        },
      },
    },
  }),
);

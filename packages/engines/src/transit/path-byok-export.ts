import { data, definePath, field, invalid } from "@coffer/state-machine";
import { inPathOrNot } from "./crypto-fields.js";
import { typeOf } from "./key-types.js";
import { wrapKey } from "./key-wrapping.js";
import { ed25519Key, privateKey, publicKey, secretBytes } from "./material.js";
import { versionsToExport } from "./path-export.js";
import { getKey } from "./storage.js";
import type { Key, KeyVersion } from "./storage.js";
import { refuseSoftDeleted, requireVersion } from "./versions.js";

const EPHEMERAL_BYTES = 32;

/** As an import takes it. Throws RequestError 400. */
function plainKey(key: Key, version: KeyVersion): Buffer {
  if (version.secret === "") throw invalid("key version does not have a private counterpart");
  const { family } = typeOf(key.type);
  if (family === "aead" || family === "hmac") return secretBytes(version);
  return (family === "ed25519" ? ed25519Key(version) : privateKey(version)).export({ format: "der", type: "pkcs8" });
}

/** The version may stand in the path. */
export const byokExportPaths = (["byok-export/{destination}/{source}", "byok-export/{destination}/{source}/{version}"] as const).map((template) =>
  definePath({
    template: template as "byok-export/{destination}/{source}",
    help: { synopsis: "Exports a key wrapped for another one.", description: "For moving a key to another cluster: import its wrapping key here as a public RSA key, export for that, and import there what comes out." },
    fields: {
      destination: field.name({ description: "Name of the RSA key to wrap for.", required: true }),
      source: field.name({ description: "Name of the exportable key to wrap.", required: true }),
      version: inPathOrNot(template, "version", "Version of the key, or latest; empty means all."),
      hash: field.string({ description: "Hash function of RSA-OAEP: SHA1, SHA224, SHA256, SHA384 or SHA512.", query: true, default: "SHA256" }),
    },
    operations: {
      read: {
        effect: "read",
        summary: "Export a key, wrapped.",
        handler({ input }, storage, { env }) {
          const [destination, source] = [getKey(storage, input.destination), getKey(storage, input.source)];
          if (!destination) throw invalid("no such destination key to export to");
          if (!source) throw invalid("no such source key for export");
          if (!source.exportable) throw invalid("key is not exportable");
          refuseSoftDeleted(destination);
          refuseSoftDeleted(source);
          if (typeOf(destination.type).family !== "rsa") throw invalid("unsupported key type in use; must be a rsa key");
          const wrapping = publicKey(requireVersion(storage, destination, destination.latest_version));
          const wrap = (version: KeyVersion) => wrapKey(wrapping, plainKey(source, version), input.hash, env.randomBytes(EPHEMERAL_BYTES)).toString("base64");
          const keys = versionsToExport(storage, source, input.version).map(([number, version]) => [number, wrap(version)]);
          return data({ name: source.name, type: source.type, keys: Object.fromEntries(keys) as Record<string, string> });
        },
      },
    },
  }),
);

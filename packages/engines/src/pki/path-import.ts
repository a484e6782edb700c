import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, Mount, WriteStorage } from "@coffer/state-machine";
import { parseCertificate } from "./certificate.js";
import { allIssuers, rebuildCrls } from "./crl-rebuild.js";
import { addIssuer, addKey, linkKeys } from "./issuer-store.js";
import { importKey } from "./key-material.js";
import { pemBlocks } from "./pem.js";
import { getIssuer, getIssuersConfig, getUrls, putIssuersConfig } from "./storage.js";
import { hasUrls, NO_URLS_WARNING } from "./urls.js";

/** Shorter than any certificate: most likely the name of a file. */
const MIN_LENGTH = 75;

/** Keeps the certificates and keys of a bundle. Throws RequestError 400, and then nothing of it is kept. */
async function importBundle(text: string, withKeys: boolean, storage: WriteStorage, mount: Mount): Promise<EnvelopeResponse> {
  if (text.length < MIN_LENGTH) throw invalid("provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file");
  const blocks = pemBlocks(text);
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE" || label === "X509 CERTIFICATE");
  const keys = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (certificates.length + keys.length === 0) throw invalid("no certificates or private keys found in the given PEM data");
  if (keys.length > 0 && !withKeys) throw invalid("private keys found in the PEM bundle but not allowed by the path; use /issuers/import/bundle");
  const { env } = mount;
  const imported = { imported_keys: [] as string[], imported_issuers: [] as string[], existing_keys: [] as string[], existing_issuers: [] as string[] };
  for (const { label, der } of keys) {
    const { entry, isNew } = await addKey(storage, env, importKey(label, der), "");
    imported[isNew ? "imported_keys" : "existing_keys"].push(entry.id);
  }
  for (const { der } of certificates) {
    const { entry, isNew } = await addIssuer(storage, env, parseCertificate(der), "");
    imported[isNew ? "imported_issuers" : "existing_issuers"].push(entry.id);
  }
  if (imported.imported_keys.length > 0) await linkKeys(storage);
  const warnings = followLatest(storage, imported.imported_issuers);
  if (imported.imported_issuers.length + imported.imported_keys.length > 0) await rebuildCrls(storage, mount);
  const touched = new Set([...imported.imported_issuers, ...imported.existing_issuers]);
  const mapping = Object.fromEntries((await allIssuers(storage)).filter(({ id }) => touched.has(id)).map(({ id, key_id }) => [id, key_id]));
  if (!hasUrls(getUrls(storage))) warnings.push(NO_URLS_WARNING);
  const orNull = (ids: readonly string[]) => (ids.length > 0 ? ids : null);
  const { imported_keys, imported_issuers, existing_keys, existing_issuers } = imported;
  return data(
    { mapping, imported_keys: orNull(imported_keys), imported_issuers: orNull(imported_issuers), existing_keys: orNull(existing_keys), existing_issuers: orNull(existing_issuers) },
    warnings.length > 0 ? { warnings } : {},
  );
}

/** Where the default follows the latest issuer, it does if just one that can sign came; and a first default is one that can. */
function followLatest(storage: WriteStorage, imported: readonly string[]): string[] {
  const config = getIssuersConfig(storage);
  const signing = imported.find((id) => getIssuer(storage, id)?.key_id);
  if (signing !== undefined && imported.includes(config.default) && !getIssuer(storage, config.default)?.key_id) putIssuersConfig(storage, { ...config, default: signing });
  if (!config.default_follows_latest_issuer || imported.length === 0) return [];
  const able = imported.filter((id) => getIssuer(storage, id)?.key_id);
  if (able.length === 1) putIssuersConfig(storage, { ...config, default: able[0]! });
  return able.length > 1 ? ["Default issuer left unchanged: could not select new issuer automatically as multiple imported issuers had key material in Vault."] : [];
}

const BUNDLE = { pem_bundle: field.string({ description: "Certificates, and their private keys, PEM.", required: true, sensitive: true }) };
type BundleRequest = EngineRequest<{ readonly pem_bundle: string }>;
const withKeys = ({ input }: BundleRequest, storage: WriteStorage, mount: Mount) => importBundle(input.pem_bundle, true, storage, mount);
const HELP = { synopsis: "Imports CA certificates and keys.", description: "In any order; a key finds its certificate by itself, and what is here already is not doubled. The first issuer becomes the default." };

export const configCaPath = definePath({ template: "config/ca", help: HELP, fields: BUNDLE, operations: { update: { effect: "write", summary: "Import CA certificates and keys.", handler: withKeys } } });
export const importBundlePath = definePath({ template: "issuers/import/bundle", help: HELP, fields: BUNDLE, operations: { update: { effect: "write", summary: "Import CA certificates and keys.", handler: withKeys } } });
export const importCertPath = definePath({
  template: "issuers/import/cert",
  help: { synopsis: "Imports CA certificates.", description: "A bundle with a private key in it is refused; issuers/import/bundle takes such." },
  fields: BUNDLE,
  operations: { update: { effect: "write", summary: "Import CA certificates.", handler: ({ input }, storage, mount) => importBundle(input.pem_bundle, false, storage, mount) } },
});

export const setSignedPath = definePath({
  template: "intermediate/set-signed",
  help: { synopsis: "Takes the signed certificate of an intermediate CA.", description: "Its key was made by intermediate/generate. The certificates above it may come along." },
  fields: { certificate: field.string({ description: "The certificate, and those above it, PEM.", required: true }) },
  operations: { update: { effect: "write", summary: "Take a signed intermediate certificate.", handler: ({ input }, storage, mount) => importBundle(input.certificate, true, storage, mount) } },
});

import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, InputOf, Mount, WriteStorage } from "@coffer/state-machine";
import { findIssuer, issuerParts, signerOf } from "./authority.js";
import { caExtensions } from "./ca-certificate.js";
import { CA_WISHES, caRole, EXPORTED, NEW_KEY, PATH_LIMITS } from "./ca-fields.js";
import { caKey } from "./ca-key.js";
import { parseCertificate } from "./certificate.js";
import { buildCertificate, newSerial } from "./certificate-builder.js";
import { rebuildCrls } from "./crl-rebuild.js";
import { authorityKeyIdExtension, urlExtensions } from "./extensions.js";
import type { IssuerUrls } from "./extensions.js";
import { certificateAnswer } from "./issuer-answer.js";
import { addIssuer, checkIssuerName } from "./issuer-store.js";
import { checkSignatureBits, publicKeyBits } from "./key-material.js";
import { OID } from "./oids.js";
import { agree } from "./requested.js";
import { keyIdentifier } from "./signer.js";
import { deleteIssuer, deleteKey, getCluster, getIssuer, getIssuersConfig, getKey, getKeysConfig, getUrls, issuerIds, keyIds, NO_URLS, putCertificate, putIssuersConfig, putKeysConfig } from "./storage.js";
import { encodeName, organisationNames } from "./subject.js";
import { fillUrls, hasUrls, NO_URLS_WARNING } from "./urls.js";
import { agreeValidity } from "./validity.js";

const ISSUER_NAME = { issuer_name: field.string({ description: "Name of the new issuer.", default: "" }) };
const FIELDS = { ...EXPORTED, ...CA_WISHES, ...NEW_KEY, ...PATH_LIMITS, ...ISSUER_NAME };
type RootRequest = EngineRequest<InputOf<typeof FIELDS>>;

/** The mount's own URLs. A root need not have any: templates that ask for its id are left out rather than refused. */
function rootUrls(storage: WriteStorage, warnings: string[]): IssuerUrls {
  try {
    return fillUrls(getUrls(storage), getCluster(storage), "");
  } catch {
    warnings.push("When generating root CA, found global AIA configuration with issuer_id template unsuitable for root generation. This AIA configuration has been ignored.");
    return NO_URLS;
  }
}

async function generateRoot({ input }: RootRequest, storage: WriteStorage, mount: Mount, becomesDefault: boolean, defaultName = ""): Promise<EnvelopeResponse> {
  const { env } = mount;
  checkSignatureBits(input.signature_bits);
  const name = checkIssuerName(storage, input.issuer_name === "" ? defaultName : input.issuer_name);
  const role = caRole(input);
  const agreed = agree(role, input, undefined);
  const validity = agreeValidity({ ttl: 0, max_ttl: 0, not_before_duration: input.not_before_duration, not_after: "" }, input, mount, undefined);
  const { key, material, exported } = await caKey(storage, env, input);
  const warnings = [...validity.warnings];
  const urls = rootUrls(storage, warnings);
  const subject = encodeName(organisationNames(role), agreed);
  const subjectKeyId = keyIdentifier(publicKeyBits(material));
  const signer = signerOf(key, { bits: input.signature_bits, pss: input.use_pss });
  const der = await buildCertificate(
    {
      serial: newSerial(env),
      issuer: subject,
      subject,
      notBeforeMs: validity.notBeforeMs,
      notAfterMs: validity.notAfterMs,
      spki: material.spki,
      subjectKeyId,
      names: agreed.names,
      extensions: [...caExtensions(input.max_path_length, input.permitted_dns_domains), [OID.authorityKeyIdentifier, authorityKeyIdExtension(subjectKeyId)], ...urlExtensions(urls)],
    },
    signer,
  );
  const certificate = parseCertificate(der);
  const { entry } = await addIssuer(storage, env, certificate, name, { revocation_signature_algorithm: signer.name });
  putCertificate(storage, certificate);
  const config = getIssuersConfig(storage);
  if (becomesDefault || config.default_follows_latest_issuer) putIssuersConfig(storage, { ...config, default: entry.id });
  await rebuildCrls(storage, mount);
  if (subject.length <= 2) warnings.push("This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with this certificate will cause TLS validation libraries to reject this certificate.");
  if (!hasUrls(urls)) warnings.push(NO_URLS_WARNING);
  if (input.max_path_length === 0) warnings.push("Max path length of the generated certificate is zero. This certificate cannot be used to issue intermediate CA certificates.");
  const shown = certificateAnswer(der, issuerParts(entry), [], exported, input);
  return data(
    { ...shown, expiration: Math.floor(certificate.notAfter / 1000), serial_number: certificate.serial, issuer_id: entry.id, issuer_name: entry.name, key_id: key.id, key_name: key.name },
    warnings.length > 0 ? { warnings } : {},
  );
}

const GENERATE_HELP = { synopsis: "Makes a root CA: a key, and a certificate that it signs itself.", description: "The first one becomes the mount's default issuer. What is already here stays." };

export const generateRootPath = definePath({
  template: "root/generate/{exported}",
  help: GENERATE_HELP,
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Make a root CA.", handler: (request, storage, mount) => generateRoot(request, storage, mount, false) } },
});

export const issuersGenerateRootPath = definePath({
  template: "issuers/generate/root/{exported}",
  help: GENERATE_HELP,
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Make a root CA.", handler: (request, storage, mount) => generateRoot(request, storage, mount, false) } },
});

export const rotateRootPath = definePath({
  template: "root/rotate/{exported}",
  help: { synopsis: "Makes a root CA that becomes the default issuer.", description: "Its name is `next` where none is given. The earlier issuers stay, and go on serving their CRLs." },
  fields: FIELDS,
  operations: {
    update: {
      effect: "write",
      summary: "Make a new root CA, and the default issuer of it.",
      handler: (request, storage, mount) => generateRoot(request, storage, mount, true, findIssuer(storage, "next") ? "" : "next"),
    },
  },
});

export const replaceRootPath = definePath({
  template: "root/replace",
  help: { synopsis: "Makes another issuer the default one.", description: "As a write to config/issuers does; without a name it takes the issuer called `next`." },
  fields: { default: field.string({ description: "Name or id of the issuer.", default: "next" }) },
  operations: {
    update: {
      effect: "write",
      summary: "Set the default issuer.",
      handler({ input }, storage) {
        const issuer = findIssuer(storage, input.default);
        if (!issuer) throw invalid(`unable to find PKI issuer for reference: ${input.default}`);
        const config = getIssuersConfig(storage);
        putIssuersConfig(storage, { ...config, default: issuer.id });
        return data({ default: issuer.id, default_follows_latest_issuer: config.default_follows_latest_issuer });
      },
    },
  },
});

export const deleteRootPath = definePath({
  template: "root",
  help: { synopsis: "Removes every issuer and every key of the mount.", description: "It demands the sudo capability. Certificates that were issued stay valid until they end, and nobody can revoke them any more." },
  fields: {},
  operations: {
    delete: {
      effect: "write",
      access: "sudo",
      summary: "Remove all issuers and keys.",
      async handler(_request, storage) {
        const issuers = getIssuersConfig(storage);
        const keys = getKeysConfig(storage);
        for (const id of await issuerIds(storage)) deleteIssuer(storage, getIssuer(storage, id)!);
        for (const id of await keyIds(storage)) deleteKey(storage, getKey(storage, id)!);
        putIssuersConfig(storage, { ...issuers, default: "", revision: issuers.revision + 1 });
        putKeysConfig(storage, { default: "", revision: keys.revision + 1 });
        return {
          ...NO_CONTENT,
          warnings: ["DELETE /root deletes all keys and issuers; prefer the new DELETE /key/:key_ref and DELETE /issuer/:issuer_ref for finer granularity, unless removal of all keys and issuers is desired."],
        };
      },
    },
  },
});

import { X509Certificate } from "node:crypto";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { NAME } from "./crypto-fields.js";
import { signRequest } from "./csr.js";
import { capabilitiesOf } from "./key-types.js";
import { ed25519Key, privateKey } from "./material.js";
import { getKey, putVersion } from "./storage.js";
import type { Key, KeyVersion } from "./storage.js";
import { refuseSoftDeleted, requireVersion } from "./versions.js";

/** Throws RequestError 400. */
function signingVersion(storage: ReadStorage, name: string, asked: number | undefined): { readonly key: Key; readonly number: number; readonly version: KeyVersion } {
  const key = getKey(storage, name);
  if (!key) throw invalid(`key with provided name '${name}' not found`);
  refuseSoftDeleted(key);
  if (!capabilitiesOf(key.type).signing) throw invalid(`key type '${key.type}' does not support signing`);
  if (key.derived) throw invalid("operation not supported for keys with derivation enabled");
  const number = asked ?? key.latest_version;
  if (number < key.min_decryption_version || number > key.latest_version) throw invalid("no such key version");
  return { key, number, version: requireVersion(storage, key, number) };
}

const VERSION = field.int({ description: "Version of the key; absent for the latest." });

export const csrPath = definePath({
  template: "keys/{name}/csr",
  help: { synopsis: "Signs a certificate request with a key.", description: "The private key stays here. A request that is given keeps its subject and extensions, and gets this key instead of its own." },
  fields: { name: NAME, version: VERSION, csr: field.string({ description: "A request to begin from, in PEM; empty for one that says nothing but the key.", default: "" }) },
  operations: {
    update: {
      effect: "read",
      summary: "Sign a certificate request.",
      async handler({ input }, storage) {
        const { key, version } = signingVersion(storage, input.name, input.version);
        if (version.secret === "") throw invalid("could not create the csr: private key not imported for key version selected");
        const secret = key.type === "ed25519" ? ed25519Key(version) : privateKey(version);
        return data({ name: key.name, type: key.type, csr: await signRequest(input.csr, key.type, secret, version.public) });
      },
    },
  },
});

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END (?:X509 )?CERTIFICATE-----/g;

/** The leaf first. Throws RequestError 400. */
function parseChain(pem: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw invalid("provided certificate chain did not contain any valid PEM encoded certificate");
  let chain: X509Certificate[];
  try {
    chain = blocks.map((block) => new X509Certificate(block.replaceAll("X509 CERTIFICATE", "CERTIFICATE")));
  } catch {
    throw invalid("could not parse a certificate in the certificate chain");
  }
  if (chain[0]!.ca) throw invalid("failed to persist certificate chain: certificate in the first element is not a valid leaf certificate");
  if (chain.slice(1).some(({ ca }) => !ca)) throw invalid("failed to persist certificate chain: every certificate but the first must be one of a CA");
  return chain;
}

export const setCertificatePath = definePath({
  template: "keys/{name}/set-certificate",
  help: { synopsis: "Keeps a certificate chain with a key.", description: "Reading the key, or exporting certificate-chain, gives it back. A chain that was there is replaced." },
  fields: { name: NAME, version: VERSION, certificate_chain: field.string({ description: "Certificates in PEM, that of this key first.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Set the certificate chain of a key.",
      handler({ input }, storage) {
        const { key, number, version } = signingVersion(storage, input.name, input.version);
        const chain = parseChain(input.certificate_chain);
        const spki = chain[0]!.publicKey.export({ format: "der", type: "spki" }).toString("base64");
        if (spki !== version.public) throw invalid("failed to persist certificate chain: leaf certificate public key does not match the selected key version");
        putVersion(storage, key.name, number, { ...version, certificate_chain: chain.map(({ raw }) => raw.toString("base64")) });
        return data({ name: key.name, type: key.type, certificate_chain: input.certificate_chain });
      },
    },
  },
});

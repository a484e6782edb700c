import { data, definePath, field } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, InputOf, Mount, WriteStorage } from "@coffer/state-machine";
import { signerOf } from "./authority.js";
import { CA_WISHES, caRole, EXPORTED, NEW_KEY } from "./ca-fields.js";
import { caKey } from "./ca-key.js";
import { buildCsr } from "./csr.js";
import { alternativeNamesExtension, basicConstraintsExtension } from "./extensions.js";
import { encodeNames } from "./general-names.js";
import { keyText } from "./issuer-answer.js";
import { checkSignatureBits } from "./key-material.js";
import { pem } from "./pem.js";
import { agree } from "./requested.js";
import { getUrls } from "./storage.js";
import { encodeName, organisationNames } from "./subject.js";
import { hasUrls, NO_URLS_WARNING } from "./urls.js";

const { exported } = EXPORTED;
const FIELDS = { ...CA_WISHES, ...NEW_KEY, add_basic_constraints: field.bool({ description: "Whether the request says that it is for a CA; some CAs want that.", default: false }) };
type CsrRequest = EngineRequest<InputOf<typeof FIELDS> & { readonly exported?: string }>;

const EMPTY = Buffer.alloc(0);

/** A key and a request for its certificate. Throws RequestError 400. */
async function generateCsr({ input }: CsrRequest, storage: WriteStorage, { env }: Mount): Promise<EnvelopeResponse> {
  checkSignatureBits(input.signature_bits);
  const role = caRole(input);
  const agreed = agree(role, input, undefined);
  const made = await caKey(storage, env, { ...input, exported: input.exported ?? "existing" });
  const names = encodeNames(agreed.names);
  const extensions = Buffer.concat([names ? alternativeNamesExtension(names, false) : EMPTY, input.add_basic_constraints ? basicConstraintsExtension(true, -1) : EMPTY]);
  const signer = signerOf(made.key, { bits: input.signature_bits, pss: input.use_pss });
  const der = await buildCsr(encodeName(organisationNames(role), agreed), made.material.spki, extensions, signer);
  const isDer = input.format === "der";
  const text = isDer ? der.toString("base64") : pem("CERTIFICATE REQUEST", der);
  const key = made.exported;
  const csr = input.format === "pem_bundle" && key ? `${keyText(key, false, false)}\n${text}` : text;
  const shown = { csr, key_id: made.key.id, ...(key && { private_key: keyText(key, isDer, input.private_key_format === "pkcs8"), private_key_type: key.type }) };
  return data(shown, hasUrls(getUrls(storage)) ? {} : { warnings: [NO_URLS_WARNING] });
}

const HELP = { synopsis: "Makes a key, and a request for a CA's certificate.", description: "Have it signed by another CA, and give the certificate to intermediate/set-signed." };

export const generateIntermediatePath = definePath({
  template: "intermediate/generate/{exported}",
  help: HELP,
  fields: { exported, ...FIELDS },
  operations: { update: { effect: "write", summary: "Make a request for an intermediate CA.", handler: generateCsr } },
});

export const issuersGenerateIntermediatePath = definePath({
  template: "issuers/generate/intermediate/{exported}",
  help: HELP,
  fields: { exported, ...FIELDS },
  operations: { update: { effect: "write", summary: "Make a request for an intermediate CA.", handler: generateCsr } },
});

export const crossSignPath = definePath({
  template: "intermediate/cross-sign",
  help: { synopsis: "Makes a request for another certificate of a key that is here.", description: "Signed by another CA, it gives the issuer a second way up." },
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Make a request for a cross-signed certificate.", handler: generateCsr } },
});

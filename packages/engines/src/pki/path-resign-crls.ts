import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { InputOf, Mount, ReadStorage, Response } from "@coffer/state-machine";
import { authorityOf, findIssuer, revocationSigner } from "./authority.js";
import type { Authority } from "./authority.js";
import { buildCrl } from "./crl.js";
import type { RevokedEntry } from "./crl.js";
import { crlExtensions, revokedEntries } from "./crl-input.js";
import { parseCrl } from "./crl-read.js";
import { colonHex, pem } from "./pem.js";

const SETTINGS = {
  issuer_ref: field.string({ description: "Name or id of the issuer that signs, or `default`.", required: true }),
  crl_number: field.int({ description: "Number of the CRL.", default: 0 }),
  delta_crl_base_number: field.int({ description: "Number of the complete CRL that this one amends; -1 means that it is a complete one.", default: -1 }),
  next_update: field.duration({ description: "How long the CRL is good for.", default: 259_200 }),
  format: field.lowerString({ description: "Form of the CRL: `pem`, or `der` in base64.", default: "pem" }),
};
type Settings = InputOf<typeof SETTINGS>;

/** Throws RequestError 400. */
function signingAuthority(storage: ReadStorage, { issuer_ref, crl_number, delta_crl_base_number, next_update, format }: Settings): Authority {
  if (format !== "pem" && format !== "der") throw invalid(`unknown format value of ${format}`);
  if (next_update <= 0) throw invalid("next_update parameter must be greater than 0");
  if (crl_number < 0) throw invalid("crl_number parameter must be 0 or greater");
  if (delta_crl_base_number < -1) throw invalid("delta_crl_base_number parameter must be -1 or greater");
  const issuer = findIssuer(storage, issuer_ref);
  if (!issuer) throw invalid(`failed to resolve issuer issuer_ref: unable to find PKI issuer for reference: ${issuer_ref}`);
  const authority = authorityOf(storage, issuer, "crl-signing");
  if (!authority) throw invalid(`unable to use issuer ${issuer.id} for crl-signing: it has no key, or may not be used so`);
  return authority;
}

async function signed(authority: Authority, settings: Settings, { env }: Mount, entries: readonly RevokedEntry[], extensions: readonly Uint8Array[], warnings: readonly string[]): Promise<Response> {
  const { crl_number: number, delta_crl_base_number: base, next_update, format } = settings;
  const now = env.now();
  const plan = { issuer: authority.certificate.subject.der, authorityKeyId: authority.authorityKeyId, thisUpdateMs: now, nextUpdateMs: now + next_update * 1000, number, ...(base >= 0 && { baseNumber: base }), entries, extensions };
  const der = await buildCrl(plan, revocationSigner(authority));
  return data({ crl: format === "der" ? der.toString("base64") : `${pem("X509 CRL", der)}\n` }, warnings.length > 0 ? { warnings } : {});
}

/** Each once, the earliest revocation of it; in the order in which they were first met. */
function merged(lists: readonly (readonly RevokedEntry[])[]): { readonly entries: readonly RevokedEntry[]; readonly warnings: readonly string[] } {
  const found = new Map<string, RevokedEntry>();
  const warnings: string[] = [];
  for (const entry of lists.flat()) {
    const serial = colonHex(entry.serial);
    const known = found.get(serial);
    if (known && known.revokedMs !== entry.revokedMs) warnings.push(`Duplicate serial ${serial} with different revocation times detected, using oldest revocation time`);
    if (!known || entry.revokedMs < known.revokedMs) found.set(serial, entry);
  }
  return { entries: [...found.values()], warnings };
}

export const resignCrlsPath = definePath({
  template: "issuer/{issuer_ref}/resign-crls",
  help: { synopsis: "Makes one CRL of several that the issuer has signed.", description: "For clusters that have the same issuer. Entries lose their extensions. Nothing is stored." },
  fields: { ...SETTINGS, crls: field.stringList({ description: "The CRLs, each as PEM.", default: [] }) },
  operations: {
    update: {
      effect: "read",
      summary: "Combine CRLs.",
      async handler({ input }, storage, mount) {
        const authority = signingAuthority(storage, input);
        const crls = input.crls.map((text) => parseCrl(text));
        const stranger = crls.findIndex((crl) => !crl.isSignedBy(authority.certificate.x509.publicKey));
        if (stranger >= 0) throw invalid(`CRL index: ${stranger} was not signed by requested issuer`);
        const { entries, warnings } = merged(crls.map((crl) => crl.entries));
        return signed(authority, input, mount, entries, [], warnings);
      },
    },
  },
});

export const signRevocationListPath = definePath({
  template: "issuer/{issuer_ref}/sign-revocation-list",
  help: { synopsis: "Signs a CRL of what the caller says.", description: "Whoever may do this says what is revoked: nothing is compared with what is stored, and nothing is stored." },
  fields: {
    ...SETTINGS,
    revoked_certs: field.any({ description: "List of {serial_number, revocation_time, extensions}; the time as RFC 3339 or in seconds since 1970.", default: [] }),
    extensions: field.any({ description: "Extensions of the CRL: list of {id, critical, value}, the value in base64.", default: [] }),
  },
  operations: {
    update: {
      effect: "read",
      summary: "Sign a CRL.",
      handler({ input }, storage, mount) {
        const authority = signingAuthority(storage, input);
        return signed(authority, input, mount, revokedEntries(input.revoked_certs), crlExtensions(input.extensions), []);
      },
    },
  },
});

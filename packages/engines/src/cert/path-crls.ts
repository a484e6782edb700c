import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { NAME } from "./path-certs.js";
import { getList, listNames, putList, remove } from "./storage.js";
import type { RevocationList } from "./storage.js";

/** PEM, or DER in base64. Throws RequestError 400. */
function parseList(text: string): RevocationList {
  try {
    const list = new x509.X509Crl(text.includes("-----BEGIN") ? text : new Uint8Array(Buffer.from(text, "base64")));
    return { issuer: list.issuerName.toString(), serials: Object.fromEntries(list.entries.map(({ serialNumber }) => [BigInt(`0x${serialNumber}`).toString(), {}])) };
  } catch {
    throw invalid("failed to parse CRL: it is no certificate revocation list in PEM, or in DER and base64");
  }
}

/** Throws RequestError 400. */
function existing(storage: ReadStorage, name: string): RevocationList {
  const list = getList(storage, name);
  if (!list) throw invalid(`no such CRL ${name.toLowerCase()}`);
  return list;
}

export const crlsPath = definePath({
  template: "crls",
  help: { synopsis: "Lists revocation lists.", description: "By name." },
  fields: pageFields(),
  operations: { list: { effect: "read", summary: "List revocation lists.", handler: async ({ input }, storage) => keyList(await listNames(storage, "crl", input)) } },
});

export const crlPath = definePath({
  template: "crls/{name}",
  help: { synopsis: "Takes, shows or forgets a revocation list.", description: "A certificate on the list of its issuer logs nobody in, nor does one below it. When a list says that it ends is not looked at: replace it, or delete it." },
  fields: {
    name: NAME,
    crl: field.string({ description: "The list, PEM, or DER in base64." }),
    url: field.string({ description: "Where to fetch it. This version does not, and refuses it." }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Show what a list revokes.",
      handler: ({ input }, storage) => data({ serials: existing(storage, input.name).serials }),
    },
    update: {
      effect: "write",
      summary: "Take a revocation list.",
      handler: ({ input }, storage) => {
        if (input.url !== undefined) throw invalid("this version does not fetch revocation lists; give the list itself as crl");
        if (!input.crl) throw invalid("one of 'crl' or 'url' must be provided");
        putList(storage, input.name, parseList(input.crl));
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Forget a revocation list.",
      handler: ({ input }, storage) => {
        existing(storage, input.name);
        remove(storage, "crl", input.name);
        return NO_CONTENT;
      },
    },
  },
});

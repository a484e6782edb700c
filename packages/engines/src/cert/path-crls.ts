import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { fetchList, parseList } from "./lists.js";
import { NAME } from "./path-certs.js";
import { getList, listNames, putList, remove } from "./storage.js";
import type { RevocationList } from "./storage.js";

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
  help: { synopsis: "Takes, shows or forgets a revocation list.", description: "A certificate on the list of its issuer logs nobody in, nor does one below it. A list that is given here is good until it is replaced or deleted, whatever it says; one that is fetched is fetched again when it ends, and good until that succeeds." },
  fields: {
    name: NAME,
    crl: field.string({ description: "The list, PEM, or DER in base64." }),
    url: field.string({ description: "Where to fetch it, instead: now, and again each time that it ends." }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Show what a list revokes.",
      handler: ({ input }, storage) => {
        const { serials, source } = existing(storage, input.name);
        return data({ serials, ...(source && { cdp: { url: source.url, valid_until: new Date(source.validUntilMs).toISOString().replace(".000Z", "Z") } }) });
      },
    },
    update: {
      effect: "write",
      summary: "Take a revocation list.",
      handler: async ({ input: { name, crl, url } }, storage, { env }) => {
        if (crl) putList(storage, name, parseList(crl.includes("-----BEGIN") ? crl : Buffer.from(crl, "base64")).list);
        else if (url !== undefined) putList(storage, name, await fetchList(url, storage, env.now()));
        else throw invalid("one of 'crl' or 'url' must be provided");
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

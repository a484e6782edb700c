import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields, raw } from "@coffer/state-machine";
import type { EngineRequest, InputOf, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { checkName, KEY_PAIR, makeIssuer, showIssuer } from "./issuer-input.js";
import { DEFAULT_REF, defaultIssuerId, findIssuer, getIssuer, issuerIds, putIssuer, removeIssuer, setDefaultIssuer } from "./issuer-storage.js";
import type { Issuer } from "./issuer-storage.js";
import { getRole, ROLES } from "./storage.js";

const REF = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) };
const NAME = { issuer_name: field.string({ description: "Name of the issuer; empty for none.", default: "" }) };

/** Throws RequestError 400. */
export function requireIssuer(storage: ReadStorage, ref: string): Issuer {
  const issuer = findIssuer(storage, ref);
  if (!issuer) throw invalid(ref === DEFAULT_REF ? "no default issuer currently configured" : `unable to find issuer for reference: ${ref}`);
  return issuer;
}

export const configIssuersPath = definePath({
  template: "config/issuers",
  help: { synopsis: "Reads and sets the default issuer.", description: "It is the one that is used where none is named." },
  fields: { default: field.string({ description: "Name or id of the default issuer.", default: "" }) },
  operations: {
    read: { effect: "read", summary: "Read the default issuer.", handler: (_request, storage) => data({ default: requireIssuer(storage, DEFAULT_REF).id }) },
    update: {
      effect: "write",
      summary: "Set the default issuer.",
      handler({ input: { default: ref } }, storage) {
        if (ref === "" || ref === DEFAULT_REF) throw invalid("invalid issuer specification; must be non-empty and can't be 'default'.");
        const { id } = requireIssuer(storage, ref);
        const before = defaultIssuerId(storage);
        if (before === id) return data({ default: id }, { warnings: ["The default issuer is already set to the specified issuer."] });
        setDefaultIssuer(storage, id);
        const warnings = before === "" ? {} : { warnings: [`Previous default (${before}) has been updated with the issuer '${ref}'${ref === id ? "" : ` (resolved to ${id})`}`] };
        return data({ default: id }, warnings);
      },
    },
  },
});

export const issuersPath = definePath({
  template: "issuers",
  help: { synopsis: "Lists issuers.", description: "By their ids, with names and public keys." },
  fields: pageFields("ids"),
  operations: {
    list: {
      effect: "read",
      summary: "List issuers.",
      async handler({ input }, storage) {
        const ids = await issuerIds(storage, input);
        const chosen = defaultIssuerId(storage);
        const info = (id: string) => {
          const { issuer_name, public_key } = showIssuer(getIssuer(storage, id)!);
          return { issuer_name, is_default: id === chosen, public_key };
        };
        return keyList(ids, Object.fromEntries(ids.map((id) => [id, info(id)])));
      },
    },
  },
});

const IMPORT = { ...KEY_PAIR, set_default: field.bool({ description: "Whether it becomes the default issuer; the first one does anyhow.", default: false }) };
const IMPORT_HELP = { synopsis: "Adds an issuer.", description: "Its key pair is generated here, or comes from outside. One that is there already is answered as it is." };
const importIssuer = ({ input }: EngineRequest<InputOf<typeof IMPORT & typeof NAME>>, storage: WriteStorage, { env }: Mount) => makeIssuer(storage, env, input, input.issuer_name, input.set_default);
const importOperations = { update: { effect: "write", summary: "Add an issuer.", handler: importIssuer } } as const;

export const importPath = definePath({ template: "issuers/import", help: IMPORT_HELP, fields: { ...IMPORT, ...NAME }, operations: importOperations });
export const importNamedPath = definePath({ template: "issuers/import/{issuer_name}", help: IMPORT_HELP, fields: { ...IMPORT, issuer_name: field.name({ description: "Name of the issuer.", required: true }) }, operations: importOperations });

/** What follows for roles from the end of a name or id. */
async function roleWarnings(storage: ReadStorage, ...refs: readonly string[]): Promise<string[]> {
  const used = (await storage.list(ROLES)).flatMap((name) => {
    const role = getRole(storage, name);
    return role?.key_type === "ca" ? [role.issuer_ref] : [];
  });
  return refs.flatMap((ref) => {
    const count = ref === "" ? 0 : used.filter((one) => one === ref).length;
    return count > 0 ? [`${count} roles reference '${ref}'`] : [];
  });
}

export const issuerPath = definePath({
  template: "issuer/{issuer_ref}",
  help: { synopsis: "Reads, renames and removes an issuer.", description: "What an issuer signed stays valid when it is gone." },
  fields: { ...REF, ...NAME },
  operations: {
    read: { effect: "read", summary: "Read an issuer.", handler: ({ input }, storage) => data(showIssuer(requireIssuer(storage, input.issuer_ref))) },
    update: {
      effect: "write",
      summary: "Rename an issuer.",
      async handler({ input }, storage) {
        const issuer = requireIssuer(storage, input.issuer_ref);
        if (input.issuer_name === "") throw invalid("expected non-empty issuer name");
        const renamed = { ...issuer, name: checkName(storage, input.issuer_name, issuer.id) };
        putIssuer(storage, renamed);
        const warnings = renamed.name === issuer.name ? [] : await roleWarnings(storage, issuer.name);
        return data(showIssuer(renamed), warnings.length > 0 ? { warnings } : {});
      },
    },
    delete: {
      effect: "write",
      summary: "Remove an issuer.",
      async handler({ input: { issuer_ref: ref } }, storage) {
        const issuer = findIssuer(storage, ref);
        if (!issuer) return NO_CONTENT;
        const warnings = await roleWarnings(storage, issuer.name, issuer.id);
        if (removeIssuer(storage, issuer)) {
          warnings.push(`Deleted issuer ${issuer.id} (via issuer_ref ${ref}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.`);
          warnings.push(...(await roleWarnings(storage, DEFAULT_REF)));
        }
        return warnings.length > 0 ? { ...NO_CONTENT, warnings } : NO_CONTENT;
      },
    },
  },
});

export const issuerPublicKeyPath = definePath({
  template: "issuer/{issuer_ref}/public_key",
  help: { synopsis: "An issuer's public key, as a file for sshd.", description: "Anybody may fetch it." },
  fields: REF,
  operations: { read: { effect: "read", access: "none", summary: "Fetch an issuer's public key.", handler: ({ input }, storage) => raw(requireIssuer(storage, input.issuer_ref).publicKey, "text/plain") } },
});

export const tidyDynamicKeysPath = definePath({
  template: "tidy/dynamic-keys",
  help: { synopsis: "Removes host keys of the old dynamic mode.", description: "There are none: that mode was never served." },
  fields: {},
  operations: { delete: { effect: "read", summary: "Remove host keys of the old dynamic mode.", handler: () => data({ message: "Removed 0 of 0 host keys." }) } },
});

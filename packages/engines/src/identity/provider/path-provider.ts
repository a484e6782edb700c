import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import type { Mount, ReadStorage } from "@coffer/state-machine";
import { ISSUER_WARNING, requireOrigin } from "../oidc-issuer.js";
import { claimNames } from "../oidc-template.js";
import { allows, DEFAULT_PROVIDER, everyProvider, getProvider, issuerOfProvider, putProvider, PROVIDERS } from "./provider.js";
import type { Provider } from "./provider.js";
import { getScope } from "./scope.js";

function settings(provider: Provider, mount: Mount): Readonly<Record<string, unknown>> {
  return { allowed_client_ids: provider.allowedClientIds, issuer: issuerOfProvider(provider, mount), scopes_supported: provider.scopes };
}

export const providersPath = definePath({
  template: "oidc/provider",
  help: { synopsis: "Lists the OIDC providers.", description: "With their settings. One called default is there always." },
  fields: { allowed_client_id: field.string({ description: "Only those that allow this client.", default: "", query: true }) },
  operations: {
    list: {
      effect: "read", summary: "List the providers.",
      handler: async ({ input }, storage, mount) => {
        const all = (await everyProvider(storage)).filter((one) => input.allowed_client_id === "" || allows(one, input.allowed_client_id));
        return keyList(all.map(({ name }) => name), Object.fromEntries(all.map((one) => [one.name, settings(one, mount)])));
      },
    },
  },
});

export const providerPath = definePath({
  template: "oidc/provider/{name}",
  help: { synopsis: "Creates, reads, changes or deletes an OIDC provider.", description: "Its clients log their users in here. It allows nobody until it is told whom." },
  fields: {
    name: field.name({ description: "Name of the provider.", required: true }),
    issuer: field.string({ description: "Scheme, host and port, such as https://vault.example.org:8200; empty for the address that clients reach the cluster at." }),
    allowed_client_ids: field.commaList({ description: "Ids of the clients that may use it; `*` for all." }),
    scopes_supported: field.commaList({ description: "Names of the scopes that may be asked for." }),
  },
  exists: ({ input }, storage) => getProvider(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read", summary: "Read a provider.",
      handler: ({ input }, storage, mount) => {
        const found = getProvider(storage, input.name);
        return found && data(settings(found, mount));
      },
    },
    update: {
      effect: "write", summary: "Create or change a provider.",
      handler: ({ input }, storage) => {
        const before = getProvider(storage, input.name);
        const issuer = input.issuer ?? before?.issuer ?? "";
        if (issuer !== "") requireOrigin(issuer);
        const scopes = [...new Set(input.scopes_supported ?? before?.scopes ?? [])].sort();
        const warnings = [...(issuer === "" ? [] : [ISSUER_WARNING]), ...conflicts(storage, scopes)];
        putProvider(storage, { name: input.name, issuer, allowedClientIds: [...new Set(input.allowed_client_ids ?? before?.allowedClientIds ?? [])].sort(), scopes });
        return warnings.length > 0 ? { ...NO_CONTENT, warnings } : NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a provider.",
      handler: ({ input }, storage) => {
        if (input.name === DEFAULT_PROVIDER) throw invalid(`deletion of OIDC provider ${JSON.stringify(input.name)} not allowed`);
        storage.delete(PROVIDERS + input.name);
        return NO_CONTENT;
      },
    },
  },
});

/** Warnings of claims that two scopes speak of: whoever asks for both will get neither. Throws RequestError 400 for a scope that there is not. */
function conflicts(storage: ReadStorage, names: readonly string[]): string[] {
  const from = new Map<string, string>();
  const found: string[] = [];
  for (const name of names) {
    const scope = getScope(storage, name);
    if (!scope) throw invalid(`scope ${JSON.stringify(name)} does not exist`);
    for (const claim of claimNames(scope.template)) {
      const other = from.get(claim);
      if (other !== undefined) found.push(`Found scope templates with conflicting top-level keys: conflict ${JSON.stringify(claim)} in scopes ${JSON.stringify(name)}, ${JSON.stringify(other)}. This may result in an error if the scopes are requested in an OIDC Authentication Request.`);
      from.set(claim, name);
    }
  }
  return found;
}

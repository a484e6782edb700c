import { data, definePath, field, invalid, NO_CONTENT, olderTokenFields, roleTokens, shownTokens, tokenFields } from "@coffer/state-machine";
import { organizationIdOf } from "./api.js";
import { getConfig, putConfig } from "./storage.js";

/** A token for looking up an organization that not everybody may see; in the server's environment, as in Vault. */
const LOOKUP_TOKEN = "VAULT_AUTH_CONFIG_GITHUB_TOKEN";

export const configPath = definePath({
  template: "config",
  help: {
    synopsis: "Configures the organization whose members may log in.",
    description: "The organization is known by its number, which stays when it is renamed. Where none is given, GitHub is asked for it when the configuration is written.",
  },
  fields: {
    organization: field.string({ description: "Name of the organization. Required." }),
    organization_id: field.int64({ description: "Number of the organization." }),
    base_url: field.string({ description: "URL of a GitHub Enterprise server's API; by default that of github.com." }),
    ...tokenFields,
    ttl: olderTokenFields.ttl,
    max_ttl: olderTokenFields.max_ttl,
  },
  exists: (_request, storage) => getConfig(storage) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read the configuration.",
      handler(_request, storage) {
        const config = getConfig(storage);
        if (!config) return undefined;
        const { tokens, ...shown } = config;
        return data({ ...shown, ...shownTokens(tokens) });
      },
    },
    update: {
      effect: "write",
      summary: "Write the configuration. What is not given stays as it is.",
      async handler({ input }, storage) {
        const before = getConfig(storage);
        const organization = input.organization ?? before?.organization ?? "";
        if (organization === "") throw invalid("organization is a required parameter");
        const baseUrl = input.base_url ?? before?.base_url ?? "";
        if (baseUrl !== "" && !(/^https?:\/\//.test(baseUrl) && URL.canParse(baseUrl))) throw invalid(`error parsing given base_url: ${JSON.stringify(baseUrl)}`);
        const tokens = roleTokens(input, before?.tokens);
        if ((input.organization_id ?? 0) < 0) throw invalid("organization_id cannot be negative");
        // A number that was found for another name or server is none of this one.
        const known = before?.organization === organization && before.base_url === baseUrl ? before.organization_id : 0;
        let id = input.organization_id ?? known;
        if (id === 0) {
          id = await organizationIdOf(organization, baseUrl, process.env[LOOKUP_TOKEN] ?? "").catch((error: Error) => {
            throw invalid(`unable to fetch the organization_id, you must manually set it in the config: ${error.message}`);
          });
        }
        putConfig(storage, { organization, organization_id: id, base_url: baseUrl, tokens });
        return NO_CONTENT;
      },
    },
  },
});

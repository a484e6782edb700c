import { data, definePath, field, invalid, keyList, NO_CONTENT, olderTokenFields, pageFields, roleTokens, shownTokens, tokenFields } from "@coffer/state-machine";
import type { InputOf, Mount } from "@coffer/state-machine";
import { selectorFrom } from "./selector.js";
import { ALIAS_SOURCES, getRole, putRole, ROLE_FOLDER } from "./storage.js";
import type { KubernetesRole } from "./storage.js";

export const rolesPath = definePath({
  template: "role",
  help: { synopsis: "Lists the roles.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List the roles.",
      handler: async ({ input }, storage) => keyList(await storage.list(ROLE_FOLDER, input)),
    },
  },
});

const roleFields = {
  bound_service_account_names: field.commaList({ description: "Service accounts that may log in; * stands for any text. Required." }),
  bound_service_account_namespaces: field.commaList({ description: "Namespaces whose service accounts may log in; * stands for any text." }),
  bound_service_account_namespace_selector: field.string({ description: "Labels that a namespace has whose service accounts may log in too: JSON or YAML with matchLabels.", default: "" }),
  audience: field.string({ description: "Audience that the token must be for." }),
  alias_name_source: field.string({ description: "What the user is known by: serviceaccount_uid, or serviceaccount_name for namespace and name." }),
  ...tokenFields,
  ...olderTokenFields,
};

export const rolePath = definePath({
  template: "role/{name}",
  help: { synopsis: "Writes, reads and deletes roles.", description: "A role says which service accounts may log in, and what the login hands out." },
  fields: { name: field.name({ description: "Name of the role. Case does not matter.", required: true }), ...roleFields },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.name);
        if (!role) return undefined;
        const { tokens, audience, ...shown } = role;
        return data({ ...shown, ...(audience !== "" && { audience }), ...shownTokens(tokens) });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role. What is not given stays as it is, except the namespace selector.",
      async handler({ input }, storage, mount) {
        const role = await roleFrom(input, getRole(storage, input.name), mount);
        putRole(storage, input.name, role);
        const isLonger = role.tokens.parameters.token_max_ttl > mount.maxLeaseTtlSeconds;
        return isLonger ? { ...NO_CONTENT, warnings: ["max_ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be truncated"] } : NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. Tokens that it gave out live on, but are not renewed.",
      handler({ input }, storage) {
        storage.delete(ROLE_FOLDER + input.name.toLowerCase());
        return NO_CONTENT;
      },
    },
  },
});

async function roleFrom(input: InputOf<typeof roleFields>, before: KubernetesRole | undefined, { maxLeaseTtlSeconds }: Mount): Promise<KubernetesRole> {
  const tokens = roleTokens(input, before?.tokens);
  if (tokens.parameters.token_period > maxLeaseTtlSeconds) throw invalid(`token period of '${tokens.parameters.token_period}s' is greater than the backend's maximum lease TTL of '${maxLeaseTtlSeconds}s'`);
  const names = input.bound_service_account_names ?? before?.bound_service_account_names ?? [];
  const namespaces = input.bound_service_account_namespaces ?? before?.bound_service_account_namespaces ?? [];
  const { bound_service_account_namespace_selector: selector } = input;
  if (names.length === 0) throw invalid('"bound_service_account_names" can not be empty');
  if (names.length > 1 && names.includes("*")) throw invalid('can not mix "*" with values');
  if (namespaces.length === 0 && selector === "") throw invalid('"bound_service_account_namespaces" can not be empty if "bound_service_account_namespace_selector" is not set');
  if (selector !== "" && !(await selectorFrom(selector))) throw invalid('invalid "bound_service_account_namespace_selector" configured');
  if (namespaces.length > 1 && namespaces.includes("*")) throw invalid('can not mix "*" with values');
  const given = input.alias_name_source ?? "";
  const source = ALIAS_SOURCES.find((one) => one === (given === "" ? (before?.alias_name_source ?? ALIAS_SOURCES[0]) : given));
  if (!source) throw invalid(`invalid alias_name_source, must be one of: ${ALIAS_SOURCES.join(", ")}`);
  return {
    bound_service_account_names: names,
    bound_service_account_namespaces: namespaces,
    bound_service_account_namespace_selector: selector,
    audience: input.audience ?? before?.audience ?? "",
    alias_name_source: source,
    tokens,
  };
}

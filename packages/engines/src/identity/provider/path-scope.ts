import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { checkTemplate, templateText } from "../oidc-template.js";
import { everyProvider } from "./provider.js";
import { getScope, OPENID, putScope, SCOPES } from "./scope.js";

export const scopesPath = definePath({
  template: "oidc/scope",
  help: { synopsis: "Lists the scopes.", description: "The openid scope is not among them: it is there always, and adds no claims." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the scopes.", handler: async (_request, storage) => keyList(await storage.list(SCOPES)) } },
});

export const scopePath = definePath({
  template: "oidc/scope/{name}",
  help: { synopsis: "Creates, reads, changes or deletes a scope.", description: "Whoever asks a provider for it gets the claims of its template." },
  fields: {
    name: field.name({ description: "Name of the scope.", required: true }),
    template: field.string({ description: "JSON of the claims, with templates such as `{{identity.entity.name}}`; in clear or in base64." }),
    description: field.string({ description: "What it is for." }),
  },
  exists: ({ input }, storage) => getScope(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read", summary: "Read a scope.",
      handler: ({ input }, storage) => {
        const found = getScope(storage, input.name);
        return found && data({ description: found.description, template: found.template });
      },
    },
    update: {
      effect: "write", summary: "Create or change a scope.",
      handler: ({ input }, storage) => {
        if (input.name === OPENID) throw invalid(`the ${JSON.stringify(OPENID)} scope name is reserved`);
        const before = getScope(storage, input.name);
        const template = input.template === undefined ? (before?.template ?? "") : templateText(input.template);
        checkTemplate(template);
        putScope(storage, { name: input.name, template, description: input.description ?? before?.description ?? "" });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a scope that no provider supports.",
      handler: async ({ input }, storage) => {
        const users = (await everyProvider(storage)).filter(({ scopes }) => scopes.includes(input.name)).map(({ name }) => name);
        if (users.length > 0) throw invalid(`unable to delete scope ${JSON.stringify(input.name)} because it is currently referenced by these providers: ${users.join(", ")}`);
        // A provider that names it meanwhile reads it, and so conflicts.
        if (getScope(storage, input.name)) storage.delete(SCOPES + input.name);
        return NO_CONTENT;
      },
    },
  },
});

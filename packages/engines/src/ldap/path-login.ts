import { definePath, denied, field, grantFor, isWithin, loginDisplayName } from "@coffer/state-machine";
import { heldPolicies, logIn, loginName } from "./login.js";
import { getConfig } from "./storage.js";

export const loginPath = definePath({
  template: "login/{username...}",
  help: { synopsis: "Logs a user of the directory in.", description: "With the name in the path and the password in the body." },
  fields: {
    username: field.string({ description: "Name of the user.", required: true }),
    password: field.string({ description: "Password.", sensitive: true, default: "" }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      loginAs: ({ input }, storage) => loginName(storage, input.username),
      handler: async ({ input, remoteAddress }, storage, mount) => {
        const { settings, tokens } = getConfig(storage);
        if (!isWithin(tokens.parameters.token_bound_cidrs, remoteAddress)) throw denied();
        const username = loginName(storage, input.username);
        const found = await logIn(storage, username, input.password);
        const { alias, groups, policies } = found;
        const grant = grantFor(tokens, {
          displayName: loginDisplayName(mount, username),
          metadata: { username },
          alias: { name: alias, metadata: { name: username } },
          groupAliases: groups,
          policies,
          // A renewal asks the directory again.
          internalData: { username, password: input.password, policies: heldPolicies(tokens, found) },
          remoteAddress,
        });
        const warnings = groups.length > 0 ? [] : [`no LDAP groups found in groupDN ${JSON.stringify(settings.groupdn)}; only policies from locally-defined groups available`];
        return { kind: "envelope", data: {}, grant, warnings };
      },
    },
  },
});

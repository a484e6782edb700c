import { data, definePath, field, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { changeRole, roleFields, shownRole } from "./role.js";
import { getRole, listNames, putRole, remove } from "./storage.js";

export const NAME = field.name({ description: "Name of the role; case does not matter.", required: true });

export const certsPath = definePath({
  template: "certs",
  help: { synopsis: "Lists roles.", description: "By name." },
  fields: pageFields(),
  operations: { list: { effect: "read", summary: "List roles.", handler: async ({ input }, storage) => keyList(await listNames(storage, "cert", input)) } },
});

export const certPath = definePath({
  template: "certs/{name}",
  help: {
    synopsis: "Makes, shows, changes or deletes a role.",
    description: "A role trusts a certificate, that of a CA or of one client, says what a client's certificate has to say, and which tokens a login gives. A client's intermediate certificates are not looked at: put them behind the CA's.",
  },
  fields: { name: NAME, ...roleFields },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler: ({ input }, storage) => {
        const role = getRole(storage, input.name);
        return role && data(shownRole(role));
      },
    },
    update: {
      effect: "write",
      summary: "Make or change a role.",
      handler: ({ input: { name, ...input } }, storage, { defaultLeaseTtlSeconds, maxLeaseTtlSeconds }) => {
        const role = changeRole(name.toLowerCase(), getRole(storage, name), input);
        putRole(storage, role);
        const { token_ttl: ttl, token_max_ttl: max, token_period: period } = role.tokens.parameters;
        const warnings = [
          ...(ttl > defaultLeaseTtlSeconds ? [`Given ttl of ${ttl} seconds is greater than current mount/system default of ${defaultLeaseTtlSeconds} seconds`] : []),
          ...(max > maxLeaseTtlSeconds ? [`Given max_ttl of ${max} seconds is greater than current mount/system default of ${maxLeaseTtlSeconds} seconds`] : []),
          ...(period > maxLeaseTtlSeconds ? [`Given period of ${period} seconds is greater than the backend's maximum TTL of ${maxLeaseTtlSeconds} seconds`] : []),
        ];
        return { ...NO_CONTENT, warnings };
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role.",
      handler: ({ input }, storage) => {
        remove(storage, "cert", input.name);
        return NO_CONTENT;
      },
    },
  },
});

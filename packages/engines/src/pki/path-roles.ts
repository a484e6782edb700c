import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { EnvelopeResponse, InputOf, ReadStorage } from "@coffer/state-machine";
import { findIssuer } from "./authority.js";
import { deleteRole, getRole, putRole, ROLE_SETTINGS, roleNames, toRole } from "./role.js";
import type { Role } from "./role.js";

/** As Vault reads it out; the settings that Vault has given up are there for those who look for them. */
const show = (role: Role): Record<string, unknown> => ({ ...role, allow_token_displayname: false });

const LEASE_WARNING = "it is encouraged to disable generate_lease and rely on PKI's native capabilities when possible; this option can cause Vault-wide issues with large numbers of issued certificates";

function answer(storage: ReadStorage, role: Role, wantedLease: boolean): EnvelopeResponse {
  const warnings: string[] = [];
  if (!findIssuer(storage, role.issuer_ref)) {
    warnings.push(
      role.issuer_ref === "default"
        ? "Issuing Certificate was set to default, but no default issuing certificate (configurable at /config/issuers) is currently set"
        : `Issuing Certificate was set to ${role.issuer_ref} but no issuing certificate currently has that name`,
    );
  }
  if (role.no_store && wantedLease) warnings.push("mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority");
  else if (role.generate_lease) warnings.push(LEASE_WARNING);
  return data(show(role), warnings.length > 0 ? { warnings } : {});
}

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists roles.", description: "Roles are listed by their names." },
  fields: pageFields(),
  operations: { list: { effect: "read", summary: "List roles.", handler: async ({ input }, storage) => keyList(await roleNames(storage, input)) } },
});

export const rolePath = definePath({
  template: "roles/{name}",
  help: { synopsis: "Reads and writes a role.", description: "A role says what certificates may be had through it, and what they are like. A write sets what it does not name to its default; a patch leaves that alone." },
  fields: { name: field.name({ description: "Name of the role.", required: true }), ...ROLE_SETTINGS },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.name);
        return role && data(show(role));
      },
    },
    update: {
      effect: "write",
      summary: "Write a role.",
      handler({ input: { name, ...settings } }, storage) {
        const role = toRole(settings);
        putRole(storage, name, role);
        return answer(storage, role, settings.generate_lease);
      },
    },
    patch: {
      effect: "write",
      summary: "Change some settings of a role.",
      handler({ input: { name, ...settings }, given }, storage) {
        const before = getRole(storage, name);
        if (!before) throw invalid("Unable to fetch role entry to patch");
        const changes = Object.fromEntries(Object.entries(settings).filter(([key]) => given(key))) as Partial<InputOf<typeof ROLE_SETTINGS>>;
        // The default size of another type is another.
        const bits = given("key_type") && !given("key_bits") && changes.key_type !== before.key_type ? { key_bits: 0 } : {};
        const role = toRole({ ...before, ...bits, ...changes });
        putRole(storage, name, role);
        return answer(storage, role, changes.generate_lease ?? false);
      },
    },
    delete: {
      effect: "write",
      summary: "Remove a role. Certificates that were issued through it stay valid.",
      handler({ input }, storage) {
        deleteRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});

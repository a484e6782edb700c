import { definePath, denied, field, grantFor, isWithin, loginDisplayName } from "@coffer/state-machine";
import { keyIds, namesOf, serialText } from "./certificates.js";
import { extensionMetadata } from "./role.js";
import { getConfig } from "./storage.js";
import { verifyClient } from "./verify.js";

export const loginPath = definePath({
  template: "login",
  help: { synopsis: "Logs a client in by its TLS certificate.", description: "The listener has to ask clients for certificates, which it does unless it is told not to." },
  fields: { name: field.string({ description: "Role to log in by; without it, the first that trusts the certificate.", default: "" }) },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      roleOf: ({ input }) => input.name || undefined,
      handler: async (request, storage, mount) => {
        const { input, remoteAddress } = request;
        const { client, role } = await verifyClient(storage, request, input.name, mount.env);
        const { token_bound_cidrs: networks, token_policies } = role.tokens.parameters;
        if (!isWithin(networks, remoteAddress)) throw denied();
        const { commonName } = namesOf(client);
        const { subject, authority } = keyIds(client);
        const metadata = {
          authority_key_id: authority,
          cert_name: role.name,
          common_name: commonName,
          serial_number: serialText(client),
          subject_key_id: subject,
          ...extensionMetadata(client, role.settings),
        };
        const grant = grantFor(role.tokens, {
          displayName: loginDisplayName(mount, role.settings.display_name),
          metadata,
          alias: { name: commonName, ...(getConfig(storage).enable_identity_alias_metadata && { metadata }) },
          internalData: { role: role.name, certificate: client.node.raw.toString("base64"), policies: token_policies },
          remoteAddress,
        });
        return { kind: "envelope", data: null, grant };
      },
    },
  },
});

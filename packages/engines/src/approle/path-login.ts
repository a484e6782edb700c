import { definePath, field, grantFor, invalid, isWithin, loginDisplayName, unknownUser, wrongCredentials } from "@coffer/state-machine";
import type { Mount, WriteStorage } from "@coffer/state-machine";
import { MAX_ID_LENGTH } from "./role.js";
import type { Role } from "./role.js";
import { findSecretId, roleOf, useSecretId } from "./storage.js";
import type { SecretId } from "./storage.js";

const INVALID = "invalid role or secret ID";

export const loginPath = definePath({
  template: "login",
  help: { synopsis: "Logs a machine in.", description: "By the role id, and by a secret id where the role demands one, which is the default." },
  fields: {
    role_id: field.string({ description: "Role id.", default: "" }),
    secret_id: field.string({ description: "Secret id.", sensitive: true, default: "" }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      loginAs: ({ input }) => input.role_id.trim(),
      roleOf: ({ input }, storage) => (input.role_id.length > MAX_ID_LENGTH ? undefined : roleOf(storage, input.role_id.trim())?.name),
      handler: ({ input, remoteAddress }, storage, mount) => {
        const roleId = input.role_id.trim();
        if (roleId === "") throw invalid("missing role_id");
        const role = roleId.length > MAX_ID_LENGTH ? undefined : roleOf(storage, roleId);
        if (!role) throw unknownUser(INVALID);
        const secret = role.settings.bind_secret_id ? redeem(storage, role, input.secret_id.trim(), remoteAddress, mount) : undefined;
        const networks = role.settings.secret_id_bound_cidrs;
        if (!isWithin(networks, remoteAddress)) throw invalid(`source address ${JSON.stringify(remoteAddress)} unauthorized by CIDR restrictions on the role`);
        const metadata = { ...secret?.metadata, role_name: role.name };
        const grant = grantFor(role.tokens, {
          displayName: loginDisplayName(mount),
          metadata,
          alias: { name: role.settings.role_id, metadata },
          internalData: { role_name: role.name },
          remoteAddress,
        });
        return { kind: "envelope", data: null, grant: secret && secret.tokenCidrs.length > 0 ? { ...grant, boundCidrs: secret.tokenCidrs } : grant };
      },
    },
  },
});

/** One use of a secret id, in the login's own write set. Throws RequestError 400. */
function redeem(storage: WriteStorage, role: Role, secretId: string, remoteAddress: string, { env }: Mount): SecretId {
  if (secretId === "") throw invalid("missing secret_id");
  const found = secretId.length > MAX_ID_LENGTH ? undefined : findSecretId(storage, role, secretId, env.now());
  if (!found) throw wrongCredentials(INVALID);
  const { secret } = found;
  if (!isWithin(secret.cidrs, remoteAddress)) throw invalid(`source address ${JSON.stringify(remoteAddress)} unauthorized through CIDR restrictions on the secret ID`);
  useSecretId(storage, role, found, env.now());
  return secret;
}

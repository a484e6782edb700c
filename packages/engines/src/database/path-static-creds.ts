import { data, definePath, invalid, NO_CONTENT } from "@coffer/state-machine";
import { checkAllowed, roleFields } from "./role-input.js";
import { shownRhythm, time } from "./path-static-roles.js";
import { rotate } from "./rotation.js";
import { getStaticRole, needConfig } from "./storage.js";

export const staticCredsPath = definePath({
  template: "static-creds/{name}",
  help: { synopsis: "Reads the password of a static role.", description: "It is the same until it is changed; `ttl` tells when." },
  fields: { name: roleFields.name },
  operations: {
    read: {
      effect: "read",
      summary: "Read the user and its password.",
      handler({ input: { name } }, storage, { env }) {
        const role = getStaticRole(storage, name);
        if (!role) throw invalid(`unknown role: ${name}`);
        checkAllowed(needConfig(storage, role.db_name), name);
        const { username, password, lastRotationMs, scheduledMs, failure } = role;
        const ttl = Math.max(0, Math.round((scheduledMs - env.now()) / 1000));
        const answer = { username, password, ttl, ...shownRhythm(role), last_vault_rotation: time(lastRotationMs) };
        return data(answer, failure === "" ? {} : { warnings: [`The last attempt to change the password failed, and is repeated: ${failure}`] });
      },
    },
  },
});

export const rotateRolePath = definePath({
  template: "rotate-role/{name}",
  help: { synopsis: "Changes the password of a static role now.", description: "The next change comes a period later, or at the schedule's next time." },
  fields: { name: roleFields.name },
  operations: {
    update: {
      effect: "write",
      summary: "Change the password now.",
      async handler({ input: { name } }, storage, mount) {
        const role = getStaticRole(storage, name);
        if (!role) throw invalid("no static role found for role name");
        await rotate(name, role, storage, mount);
        return NO_CONTENT;
      },
    },
  },
});

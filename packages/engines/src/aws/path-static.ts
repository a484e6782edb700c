import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { parseArn } from "../amazon/arn.js";
import { dropStaticRole, getStaticRole, putStaticRole, removeStaticKey, rotate, STATIC_ROLES, userId } from "./static-roles.js";
import type { OtherAccount, StaticRole } from "./static-roles.js";

const shown = ({ id, name, username, rotation_period, assume_role_arn = "", assume_role_session_name = "", external_id = "" }: StaticRole) =>
  data({ id, name, username, rotation_period, assume_role_arn, assume_role_session_name, external_id });
/** Seconds. */
const SHORTEST_PERIOD = 60;

export const staticRolesPath = definePath({
  template: "static-roles",
  help: { synopsis: "Lists static roles.", description: "By their names." },
  fields: {},
  operations: { list: { effect: "read", summary: "List static roles.", handler: async (_request, storage) => keyList(await storage.list(STATIC_ROLES)) } },
});

export const staticRolePath = definePath({
  template: "static-roles/{name}",
  help: { synopsis: "Reads and writes a static role.", description: "A static role is one IAM user that exists already. Its access key is made here at once, and a new one whenever rotation_period has passed; the one before stays valid until then. Where the user has two keys already, the older is removed to make room." },
  fields: {
    name: field.name({ description: "Name of the role.", required: true }),
    username: field.string({ description: "The IAM user. It cannot be changed later." }),
    rotation_period: field.duration({ description: "Time between two rotations; at least a minute." }),
    assume_role_arn: field.string({ description: "Role that is assumed to reach a user of another account." }),
    assume_role_session_name: field.string({ description: "Name of that session; given together with assume_role_arn." }),
    external_id: field.string({ description: "External id that that role asks for." }),
  },
  exists: ({ input }, storage) => getStaticRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a static role.",
      handler({ input }, storage) {
        const role = getStaticRole(storage, input.name);
        return role && shown(role);
      },
    },
    update: {
      effect: "write",
      summary: "Write a static role.",
      async handler({ input }, storage, mount) {
        const { name } = input;
        const before = getStaticRole(storage, name);
        const username = input.username ?? before?.username ?? "";
        if (username === "") throw invalid("missing username");
        if (before && before.username !== username) throw invalid("cannot change the username of an existing static role");
        const rotation_period = input.rotation_period ?? before?.rotation_period;
        if (rotation_period === undefined) throw invalid("missing rotation_period");
        if (rotation_period < SHORTEST_PERIOD) throw invalid(`role rotation period out of range: must be at least ${SHORTEST_PERIOD} seconds`);
        const account = accountFrom(input, before);
        // A user of another account is another user, whatever its name.
        if (before && account.assume_role_arn !== (before.assume_role_arn ?? "") && (await userId(storage, username, account)) !== before.id) throw invalid("cannot change the user of an existing static role");
        const role: StaticRole = before
          ? { ...before, ...account, rotation_period, dueMs: input.rotation_period === undefined ? before.dueMs : mount.env.now() + rotation_period * 1000 }
          : await rotate({ id: await userId(storage, username, account), name, username, ...account, rotation_period, access_key: "", secret_key: "", rotatedMs: 0, dueMs: 0 }, storage, mount);
        putStaticRole(storage, role);
        return shown(role);
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a static role, and the access key that it gave out.",
      async handler({ input }, storage) {
        const role = getStaticRole(storage, input.name);
        if (!role) return NO_CONTENT;
        await removeStaticKey(role, storage);
        dropStaticRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});

/** What is not given stays. Throws RequestError 400. */
function accountFrom(given: { readonly [K in keyof OtherAccount]: string | undefined }, before: Partial<OtherAccount> | undefined): OtherAccount {
  const assume_role_arn = given.assume_role_arn ?? before?.assume_role_arn ?? "";
  const assume_role_session_name = given.assume_role_session_name ?? before?.assume_role_session_name ?? "";
  const external_id = given.external_id ?? before?.external_id ?? "";
  if ((assume_role_arn === "") !== (assume_role_session_name === "")) throw invalid("assume_role_arn and assume_role_session_name must be given together");
  if (assume_role_arn !== "" && !parseArn(assume_role_arn)?.resource.startsWith("role/")) throw invalid("assume_role_arn is no ARN of a role");
  if (assume_role_session_name !== "" && !/^[\w+=,.@-]{2,64}$/.test(assume_role_session_name)) throw invalid("assume_role_session_name has 2 to 64 letters, digits or any of +=,.@-_");
  if (external_id !== "" && assume_role_arn === "") throw invalid("external_id is for assume_role_arn");
  return { assume_role_arn, assume_role_session_name, external_id };
}

export const staticCredsPath = definePath({
  template: "static-creds/{name}",
  help: { synopsis: "Gives the access key of a static role.", description: "The same to everybody, until it is rotated." },
  fields: { name: field.name({ description: "Name of the role.", required: true }) },
  operations: {
    read: {
      effect: "read",
      summary: "Read the access key of a static role.",
      handler({ input }, storage, { env }) {
        const role = getStaticRole(storage, input.name);
        if (!role) return undefined;
        const leftSeconds = Math.max(0, Math.floor((role.dueMs - env.now()) / 1000));
        return data({ access_key: role.access_key, secret_key: role.secret_key, expiration: new Date(role.dueMs).toISOString(), ttl: leftSeconds });
      },
    },
  },
});

import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { timeText } from "./path-access-list.js";
import { isWithinRole, readTag, roleNamed, tagValue } from "./role-tag.js";
import { deleteDenied, DENY_LIST, getDenied, getRole, putDenied } from "./storage.js";
import type { Role } from "./storage.js";

export const roleTagPath = definePath({
  template: "role/{role}/tag",
  help: { synopsis: "Makes the value of a role tag.", description: "An instance that has it as its tag gets what the tag says, which is never more than the role gives. The role must have role_tag set, the tag's key." },
  fields: {
    role: field.name({ description: "Name of the role.", required: true }),
    policies: field.commaList({ description: "Policies that the tag leaves of the role's; by default all. Empty: only the default policy." }),
    max_ttl: field.duration({ description: "How long the tokens can live at most.", default: 0 }),
    instance_id: field.string({ description: "The only instance that may have the tag; by default any.", default: "" }),
    allow_instance_migration: field.bool({ description: "As the role's field of that name.", default: false }),
    disallow_reauthentication: field.bool({ description: "As the role's field of that name.", default: false }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Make a role tag.",
      handler({ input }, storage, { env, maxLeaseTtlSeconds }) {
        const role = getRole(storage, input.role);
        if (!role) throw invalid(`entry not found for role ${input.role}`);
        if (role.role_tag === "") throw invalid("tag creation is not enabled for this role");
        const policies = input.policies?.filter((one) => one !== "");
        if (policies && (!isWithinRole(policies, role) || policies.some((one) => /[:,]/.test(one)))) throw invalid("policies on the tag must be subset of policies on the role");
        if (input.allow_instance_migration && input.disallow_reauthentication) throw invalid("cannot set both allow_instance_migration and disallow_reauthentication");
        if (input.instance_id !== "" && !/^i-[0-9a-f]{8,32}$/.test(input.instance_id)) throw invalid("instance_id is no id of an instance");
        const value = tagValue(
          {
            role: input.role.toLowerCase(),
            nonce: Buffer.from(env.randomBytes(8)).toString("base64"),
            ...(policies && { policies }),
            maxTtl: input.max_ttl,
            instanceId: input.instance_id,
            allowInstanceMigration: input.allow_instance_migration,
            disallowReauthentication: input.disallow_reauthentication,
          },
          role.hmac_key,
        );
        const { token_max_ttl } = role.tokens.parameters;
        const limit = token_max_ttl > 0 ? Math.min(token_max_ttl, maxLeaseTtlSeconds) : maxLeaseTtlSeconds;
        const warnings = input.max_ttl > limit ? [`given max TTL of ${input.max_ttl} is greater than the maximum of ${limit} seconds, and will be capped at login time`] : [];
        return { ...data({ tag_key: role.role_tag, tag_value: value }), ...(warnings.length > 0 && { warnings }) };
      },
    },
  },
});

const HELP = { synopsis: "Role tags that are no longer good.", description: "A tag can be made invalid, though it stays on instances. A tag is written as it is, or in base64, as lists show it." };
const isTag = (text: string): boolean => text.startsWith("v1:");
const plainTag = (text: string): string => (isTag(text) ? text : Buffer.from(text, "base64").toString("utf8"));

/** The role that made a tag. Throws RequestError 400 where none did. */
function makerOf(storage: ReadStorage, tag: string): Role {
  const name = roleNamed(tag);
  const role = name === undefined ? undefined : getRole(storage, name);
  if (!role || !readTag(tag, role.hmac_key)) throw invalid("failed to verify the role tag and parse it");
  return role;
}

/** Two names of one thing: the newer one, and that of before Vault 1.7. */
export const denyListPaths = ["roletag-denylist", "roletag-blacklist"].flatMap((name) => [
  definePath({
    template: name,
    help: HELP,
    fields: pageFields(),
    operations: {
      list: {
        effect: "read",
        summary: "List role tags that are no longer good, in base64.",
        handler: async ({ input }, storage) => keyList((await storage.list(DENY_LIST, input)).map((key) => Buffer.from(key, "base64url").toString("base64"))),
      },
    },
  }),
  definePath({
    template: `${name}/{role_tag...}` as const,
    help: HELP,
    fields: { role_tag: field.string({ description: "The tag, or the tag in base64.", required: true }) },
    operations: {
      read: {
        effect: "read",
        summary: "Read since when a role tag is no longer good.",
        handler({ input }, storage) {
          const entry = getDenied(storage, plainTag(input.role_tag));
          return entry && data({ creation_time: timeText(entry.createdMs), expiration_time: timeText(entry.expiresMs) });
        },
      },
      update: {
        effect: "write",
        summary: "Make a role tag invalid.",
        handler({ input }, storage, { env, maxLeaseTtlSeconds }) {
          const tag = plainTag(input.role_tag);
          const role = makerOf(storage, tag);
          const before = getDenied(storage, tag);
          const nowMs = env.now();
          // As long as a token of its logins can live.
          putDenied(storage, tag, { createdMs: before?.createdMs ?? nowMs, expiresMs: nowMs + Math.max(maxLeaseTtlSeconds, role.tokens.parameters.token_max_ttl) * 1000 });
          return NO_CONTENT;
        },
      },
      delete: {
        effect: "write",
        summary: "Make a role tag good again.",
        handler({ input }, storage) {
          deleteDenied(storage, plainTag(input.role_tag));
          return NO_CONTENT;
        },
      },
    },
  }),
]);

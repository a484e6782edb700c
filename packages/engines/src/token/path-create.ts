import { definePath, field, invalid } from "@coffer/state-machine";
import { create } from "./create-token.js";
import { getRole } from "./role.js";

const FIELDS = {
  id: field.string({ description: "The token itself, for those with sudo who want to choose it. Made up when empty.", sensitive: true, default: "" }),
  policies: field.stringList({ description: "Policies of the token; the parent's, or all that the role allows, when empty." }),
  meta: field.pairs({ description: "Key-value pairs kept with the token, and shown in audit logs." }),
  no_parent: field.bool({ description: "Makes an orphan, which outlives the calling token. Needs sudo.", default: false }),
  no_default_policy: field.bool({ description: "Leaves the default policy out.", default: false }),
  renewable: field.bool({ description: "Whether the token can be renewed, up to the maximum TTL.", default: true }),
  ttl: field.duration({ description: "How long the token lives unless it is renewed.", default: 0 }),
  lease: field.duration({ description: "Older name of `ttl`.", deprecated: true, default: 0 }),
  type: field.string({ description: "Kind of token: `service`, which is stored, or `batch`, which is not, and cannot be renewed or revoked.", default: "" }),
  explicit_max_ttl: field.duration({ description: "How long the token lives at most, whatever is renewed.", default: 0 }),
  display_name: field.string({ description: "Name of the token in audit logs.", default: "" }),
  num_uses: field.int({ description: "How often the token can be used; 0 means without limit.", default: 0 }),
  period: field.duration({ description: "Makes a periodic token: each renewal gives it this long, without a maximum. Needs sudo.", default: 0 }),
  entity_alias: field.string({ description: "Entity alias of the token; only with a token role.", default: "" }),
};

export const createPath = definePath({
  template: "create",
  help: { synopsis: "Creates a token.", description: "The token is a child of the calling one, and is revoked with it. It gets at most the caller's policies, unless the caller has sudo on this path." },
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Create a child of the calling token.", handler: (request, storage, mount) => create(request, storage, mount, { isOrphan: request.input.no_parent }) } },
});

export const createOrphanPath = definePath({
  template: "create-orphan",
  help: { synopsis: "Creates a token without a parent.", description: "As create, but the token outlives the calling one." },
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Create a token without a parent.", handler: (request, storage, mount) => create(request, storage, mount, { isOrphan: true }) } },
});

export const createAgainstRolePath = definePath({
  template: "create/{role_name}",
  help: { synopsis: "Creates a token by a role.", description: "The role says which policies it may have, and much of the rest. The caller needs none of those policies." },
  fields: { ...FIELDS, role_name: field.string({ description: "Name of the role.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Create a token by a role.",
      handler(request, storage, mount) {
        const role = getRole(storage, request.input.role_name);
        if (!role) throw invalid(`unknown role ${request.input.role_name}`);
        return create(request, storage, mount, { role });
      },
    },
  },
});

import { definePath, field, findByAccessor, findTokenByText, invalid, NO_CONTENT, revokeOrphan, revokeTree, tokenRemoved } from "@coffer/state-machine";
import type { TokenEntry } from "@coffer/state-machine";
import { ownEntry } from "./find.js";

/** Throws RequestError 400 for a batch token: it is nowhere but with its bearers. */
function revocable(entry: TokenEntry): TokenEntry {
  if (entry.type === "batch") throw invalid("batch tokens cannot be revoked");
  return entry;
}

export const revokePath = definePath({
  template: "revoke",
  help: { synopsis: "Revokes a token with all of its children.", description: "Their leases end with them. A token that is not known is no error." },
  fields: { token: field.string({ description: "The token to revoke.", sensitive: true, default: "" }) },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke a token with all of its children.",
      async handler({ input }, storage, { env }) {
        if (input.token === "") throw invalid("missing token ID");
        const entry = findTokenByText(storage, input.token, env);
        if (entry) await revokeTree(storage, revocable(entry).id, tokenRemoved(env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeSelfPath = definePath({
  template: "revoke-self",
  help: { synopsis: "Revokes the calling token with all of its children.", description: "As revoke, for the token that asks." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Revoke the calling token with all of its children.",
      async handler(request, storage, { env }) {
        await revokeTree(storage, revocable(ownEntry(storage, request, env)).id, tokenRemoved(env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeAccessorPath = definePath({
  template: "revoke-accessor",
  help: { synopsis: "Revokes a token, by its accessor, with all of its children.", description: "As revoke, for those who have seen the accessor only." },
  fields: { accessor: field.string({ description: "Accessor of the token.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke a token, by its accessor, with all of its children.",
      async handler({ input }, storage, { env }) {
        const entry = findByAccessor(storage, input.accessor, env);
        if (!entry) return { ...NO_CONTENT, warnings: ["No token found with this accessor"] };
        await revokeTree(storage, entry.id, tokenRemoved(env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeOrphanPath = definePath({
  template: "revoke-orphan",
  help: { synopsis: "Revokes a token and leaves its children.", description: "The children become orphans: they live on by their own TTLs." },
  fields: { token: field.string({ description: "The token to revoke.", sensitive: true, default: "" }) },
  operations: {
    update: {
      effect: "write",
      access: "sudo",
      summary: "Revoke a token and leave its children.",
      async handler({ input }, storage, { env }) {
        if (input.token === "") throw invalid("missing token ID");
        const entry = findTokenByText(storage, input.token, env);
        if (!entry) throw invalid("token to revoke not found");
        await revokeOrphan(storage, revocable(entry).id, tokenRemoved(env));
        return NO_CONTENT;
      },
    },
  },
});

import { definePath, denied, field, findByAccessor, findToken, invalid, NO_CONTENT, renewToken, RequestError, revokeOrphan, revokeTree, tokenId, tokenRemoved, wireAuth } from "@coffer/state-machine";
import type { Mount, Response, TokenEntry, WriteStorage } from "@coffer/state-machine";
import { badToken } from "./lookup.js";

const token = field.string({ description: "Token to act on.", sensitive: true });
const accessor = field.string({ description: "Accessor of the token to act on.", required: true });
const increment = field.duration({ description: "The desired increment, in seconds, to the token expiration.", default: 0 });
const help = (synopsis: string) => ({ synopsis, description: "" });

function byText(storage: WriteStorage, text: string | undefined, mount: Mount<unknown>): TokenEntry {
  if (!text) throw invalid("missing token ID");
  const entry = findToken(storage, tokenId(storage, text), mount.env);
  if (!entry) throw badToken();
  return entry;
}

function byAccessor(storage: WriteStorage, name: string, mount: Mount<unknown>): TokenEntry {
  const entry = findByAccessor(storage, name, mount.env);
  if (!entry) throw new RequestError("permission_denied", "invalid accessor");
  return entry;
}

function own(storage: WriteStorage, id: string | undefined, mount: Mount<unknown>): TokenEntry {
  const entry = id === undefined ? undefined : findToken(storage, id, mount.env);
  if (!entry) throw denied();
  return entry;
}

function renew(storage: WriteStorage, entry: TokenEntry, text: string, by: number, mount: Mount<unknown>): Response {
  const { entry: renewed, warnings } = renewToken(storage, entry, by, { defaultTtl: mount.defaultLeaseTtlSeconds, maxTtl: mount.maxLeaseTtlSeconds }, mount.env);
  return { kind: "envelope", data: null, auth: wireAuth(text, renewed), warnings };
}

export const renewPath = definePath({
  template: "renew",
  help: help("This endpoint will renew the given token and prevent expiration."),
  fields: { token, increment },
  operations: {
    update: { effect: "write", summary: "Renew a token.", handler: (request, storage, mount) => renew(storage, byText(storage, request.input.token ?? request.ownToken, mount), request.input.token ?? request.ownToken ?? "", request.input.increment, mount) },
  },
});

export const renewSelf = definePath({
  template: "renew-self",
  help: help("This endpoint will renew the token used to call it and prevent expiration."),
  fields: { token: field.string({ description: "Unused; the calling token is renewed.", sensitive: true }), increment },
  operations: {
    update: { effect: "write", summary: "Renew the calling token.", handler: (request, storage, mount) => renew(storage, own(storage, request.caller?.tokenId, mount), request.ownToken ?? "", request.input.increment, mount) },
  },
});

export const renewAccessor = definePath({
  template: "renew-accessor",
  help: help("This endpoint will renew a token associated with the given accessor. The response will not contain the token ID."),
  fields: { accessor, increment },
  operations: {
    update: { effect: "write", summary: "Renew a token by its accessor.", handler: (request, storage, mount) => renew(storage, byAccessor(storage, request.input.accessor, mount), "", request.input.increment, mount) },
  },
});

export const revoke = definePath({
  template: "revoke",
  help: help("This endpoint will delete the given token and all of its child tokens."),
  fields: { token },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke a token and all of its children.",
      async handler(request, storage, mount) {
        if (!request.input.token) throw invalid("missing token ID");
        const id = tokenId(storage, request.input.token);
        if (!findToken(storage, id, mount.env)) return { ...NO_CONTENT, warnings: ["No token found with given ID"] };
        await revokeTree(storage, id, tokenRemoved(mount.env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeSelf = definePath({
  template: "revoke-self",
  help: help("This endpoint will delete the token used to call it and all of its child tokens."),
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Revoke the calling token and all of its children.",
      async handler(request, storage, mount) {
        await revokeTree(storage, own(storage, request.caller?.tokenId, mount).id, tokenRemoved(mount.env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeAccessor = definePath({
  template: "revoke-accessor",
  help: help("This endpoint will delete the token associated with the accessor and all of its child tokens."),
  fields: { accessor },
  operations: {
    update: {
      effect: "write",
      summary: "Revoke a token by its accessor.",
      async handler(request, storage, mount) {
        await revokeTree(storage, byAccessor(storage, request.input.accessor, mount).id, tokenRemoved(mount.env));
        return NO_CONTENT;
      },
    },
  },
});

export const revokeOrphanPath = definePath({
  template: "revoke-orphan",
  help: help("This endpoint will delete the token and orphan its child tokens."),
  fields: { token },
  operations: {
    update: {
      effect: "write",
      access: "sudo",
      summary: "Revoke a token, leaving its children as orphans.",
      async handler(request, storage, mount) {
        await revokeOrphan(storage, byText(storage, request.input.token, mount).id, tokenRemoved(mount.env));
        return NO_CONTENT;
      },
    },
  },
});

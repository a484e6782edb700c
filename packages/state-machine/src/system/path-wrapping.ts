import { RequestError, invalid } from "../errors.js";
import { data, field } from "../framework/index.js";
import type { Caller, EngineRequest, Mount, ReadStorage } from "../framework/index.js";
import { isJwtAsked } from "../request/wrapping-jwt.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { WrappingToken } from "./rooms.js";
import type { SystemServices } from "./services.js";

const TOKEN = field.string({ description: "The wrapping token; the request's own where it is left out.", sensitive: true, default: "" });
const unknownToken = () => invalid("wrapping token is not valid or does not exist");

function given(token: string, caller: Caller | undefined): WrappingToken {
  if (token !== "") return { token };
  if (caller) return { tokenId: caller.tokenId };
  throw unknownToken();
}

/** A wrapping token that was used, by whomever, is told from a lack of rights: that is how its owner notices. */
function requireWrappingToken(request: EngineRequest<never>, storage: ReadStorage, { services }: Mount<SystemServices>): void {
  const { token: inBody } = request.input as { readonly token: string };
  const token = inBody || request.ownToken;
  if (!token) throw new RequestError("permission_denied", "error validating wrapping token: token is empty");
  if (!services.rooms.wrapping.isWrapping(storage, token)) throw unknownToken();
}

async function lookup(request: EngineRequest<{ readonly token: string }>, storage: ReadStorage, { services }: Mount<SystemServices>) {
  const found = await services.rooms.wrapping.lookup(storage, given(request.input.token, request.caller));
  if (!found) throw unknownToken();
  return data({ creation_path: found.creationPath, creation_time: found.creationTime, creation_ttl: found.creationTtlSeconds });
}

export const wrappingPaths: readonly SystemPath[] = [
  systemPath({
    template: "wrapping/wrap",
    help: { synopsis: "Wraps a value.", description: "Keeps the body under a single-use token; needs the X-Vault-Wrap-TTL header." },
    fields: {},
    freeForm: true,
    operations: {
      update: {
        summary: "Wraps a value.", effect: "write",
        handler: ({ body, wrapTtlSeconds }) => {
          if (wrapTtlSeconds <= 0) throw invalid("endpoint requires response wrapping to be used");
          return data(body, { dual: true });
        },
      },
    },
  }),
  systemPath({
    template: "wrapping/pubkey",
    help: { synopsis: "Tells the public key of wrapping tokens that are JWTs.", description: "Those are asked for by the header X-Vault-Wrap-Format: jwt. A point of the curve P-521, in decimal." },
    fields: {},
    operations: {
      read: {
        summary: "Tells the public key.", effect: "read-or-write", access: "none",
        handler: async (_request, storage, { services }) => data(await services.rooms.wrapping.publicKey(storage), { dual: true }),
      },
    },
  }),
  systemPath({
    template: "wrapping/unwrap",
    help: { synopsis: "Unwraps a value.", description: "Gives back what a wrapping token stands for, and uses the token up." },
    fields: { token: TOKEN },
    operations: {
      update: {
        summary: "Unwraps a value.", effect: "write", precheck: requireWrappingToken,
        handler: async ({ input, caller }, storage, { services }) => {
          const response = await services.rooms.wrapping.unwrap(storage, given(input.token, caller));
          if (!response) throw unknownToken();
          return response;
        },
      },
    },
  }),
  systemPath({
    template: "wrapping/lookup",
    help: { synopsis: "Describes a wrapping token.", description: "Where and when it was made and for how long. The token stays usable." },
    fields: { token: TOKEN },
    operations: {
      read: { summary: "Describes the request's own wrapping token.", effect: "read", access: "none", precheck: requireWrappingToken, handler: lookup },
      update: { summary: "Describes a wrapping token.", effect: "read", access: "none", precheck: requireWrappingToken, handler: lookup },
    },
  }),
  systemPath({
    template: "wrapping/rewrap",
    help: { synopsis: "Moves a wrapped value to a new token.", description: "The old token is used up; the new one lives as long as the old one did when it was made." },
    fields: { token: TOKEN },
    operations: {
      update: {
        summary: "Moves a wrapped value to a new token.", effect: "write", precheck: requireWrappingToken,
        handler: async ({ input, caller, headers }, storage, { services }) => {
          const address = isJwtAsked({ headers }) ? services.cluster.leadership().activeApiAddress : undefined;
          const response = await services.rooms.wrapping.rewrap(storage, given(input.token, caller), address);
          if (!response) throw unknownToken();
          return response;
        },
      },
    },
  }),
];

import { definePath, field, findTokenByText, invalid, renewLogin, renewToken, wireAuth } from "@coffer/state-machine";
import type { EngineRequest, RenewalTerms, Response, TokenEntry, WriteMount, WriteStorage } from "@coffer/state-machine";
import { byAccessor, ownEntry } from "./find.js";
import { getRole } from "./role.js";

const INCREMENT = field.duration({ description: "How long the token shall live from now; 0 means as long as it was given last. A periodic token gets its period.", default: 0 });

type RenewalRequest = EngineRequest<{ readonly increment: number }>;

/** `text` is the token itself where the caller has it, else empty. The auth method that a login came by has its say. */
async function renew(storage: WriteStorage, entry: TokenEntry, text: string, request: RenewalRequest, { maxLeaseTtlSeconds, env, neighbour }: WriteMount): Promise<Response> {
  if (entry.type === "batch") throw invalid("batch tokens cannot be renewed");
  const origin = entry.mountUuid === "" ? undefined : neighbour?.(entry.mountUuid);
  const { increment } = request.input;
  const { entry: renewed, warnings } = origin ? await renewLogin(storage, entry, increment, origin, request, env) : renewToken(storage, entry, increment, { maxTtl: maxLeaseTtlSeconds, ...ofRole(storage, entry) }, env);
  return { kind: "envelope", data: null, auth: wireAuth(text, renewed), warnings };
}

/** A role's period and explicit maximum hold as they are now. Throws RequestError 400 where the role is gone. */
function ofRole(storage: WriteStorage, { role, explicitMaxTtl }: TokenEntry): Pick<RenewalTerms, "period" | "explicitMaxTtl"> {
  if (role === "") return {};
  const found = getRole(storage, role);
  if (!found) throw invalid(`original token role ${JSON.stringify(role)} could not be found, not renewing`);
  const { tokenPeriod, tokenExplicitMaxTtl } = found;
  return { period: tokenPeriod, explicitMaxTtl: explicitMaxTtl > 0 && tokenExplicitMaxTtl > 0 ? Math.min(explicitMaxTtl, tokenExplicitMaxTtl) : explicitMaxTtl || tokenExplicitMaxTtl };
}

export const renewPath = definePath({
  template: "renew",
  help: { synopsis: "Renews a token.", description: "Puts its end off, up to its maximum TTL." },
  fields: { token: field.string({ description: "The token to renew.", sensitive: true, default: "" }), increment: INCREMENT },
  operations: {
    update: {
      effect: "write",
      summary: "Renew a token.",
      handler(request, storage, mount) {
        const { input } = request;
        if (input.token === "") throw invalid("missing token ID");
        const entry = findTokenByText(storage, input.token, mount.env);
        if (!entry) throw invalid("token not found");
        return renew(storage, entry, input.token, request, mount);
      },
    },
  },
});

export const renewSelfPath = definePath({
  template: "renew-self",
  help: { synopsis: "Renews the calling token.", description: "As renew, for the token that asks." },
  fields: { token: field.string({ description: "Ignored: the calling token is renewed.", sensitive: true }), increment: INCREMENT },
  operations: {
    update: {
      effect: "write",
      summary: "Renew the calling token.",
      handler: (request, storage, mount) => renew(storage, ownEntry(storage, request, mount.env), request.ownToken ?? "", request, mount),
    },
  },
});

export const renewAccessorPath = definePath({
  template: "renew-accessor",
  help: { synopsis: "Renews a token by its accessor.", description: "As renew; the token itself is not shown." },
  fields: { accessor: field.string({ description: "Accessor of the token.", required: true }), increment: INCREMENT },
  operations: {
    update: {
      effect: "write",
      summary: "Renew a token by its accessor.",
      handler: (request, storage, mount) => renew(storage, byAccessor(storage, request.input.accessor, mount.env), "", request, mount),
    },
  },
});

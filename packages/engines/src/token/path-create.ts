import { clipTtl, createToken, definePath, denied, field, getPolicy, invalid, wireAuth } from "@coffer/state-machine";
import type { Caller, EngineRequest, Mount, Response, WriteStorage } from "@coffer/state-machine";

const fields = {
  id: field.string({ description: "Value for the token. Only root may choose it." }),
  policies: field.commaList({ description: "List of policies for the token." }),
  meta: field.pairs({ description: "Arbitrary key=value metadata to associate with the token." }),
  no_parent: field.bool({ description: "Create the token with no parent.", default: false }),
  no_default_policy: field.bool({ description: "Do not include default policy for this token.", default: false }),
  renewable: field.bool({ description: "Allow token to be renewed past its initial TTL up to the system or mount maximum TTL.", default: true }),
  ttl: field.duration({ description: "Time to live for this token.", default: 0 }),
  lease: field.duration({ description: "Use 'ttl' instead.", deprecated: true, default: 0 }),
  type: field.string({ description: "Token type: service, batch or default.", default: "service" }),
  explicit_max_ttl: field.duration({ description: "Explicit maximum TTL of this token.", default: 0 }),
  display_name: field.string({ description: "Name to associate with this token.", default: "" }),
  num_uses: field.int({ description: "Maximum number of uses for this token; 0 is unlimited.", default: 0 }),
  period: field.duration({ description: "Renew period of this token.", default: 0 }),
  entity_alias: field.string({ description: "Name of the entity alias to associate with this token." }),
};

interface Asked {
  readonly id: string | undefined;
  readonly policies: readonly string[] | undefined;
  readonly meta: Readonly<Record<string, string>> | undefined;
  readonly no_default_policy: boolean;
  readonly renewable: boolean;
  readonly ttl: number;
  readonly lease: number;
  readonly type: string;
  readonly explicit_max_ttl: number;
  readonly display_name: string;
  readonly num_uses: number;
  readonly period: number;
  readonly entity_alias: string | undefined;
}

/** Sudo on the path lets a token hand out what it does not have itself. */
interface Rights {
  readonly caller: Caller;
  readonly isSudo: boolean;
}

function policiesFor(asked: Asked, { caller, isSudo }: Rights): string[] {
  const wanted = (asked.policies ?? []).map((name) => name.toLowerCase()).filter((name) => name !== "");
  if (wanted.includes("response-wrapping")) throw invalid('cannot assign policy "response-wrapping"');
  const named = wanted.length === 0 ? caller.policies : wanted;
  if (named.includes("root") && !caller.isRoot) throw invalid("root tokens may not be created without parent token being root");
  if (!isSudo && !caller.isRoot && named.some((name) => name !== "default" && !caller.policies.includes(name))) throw invalid("child policies must be subset of parent");
  const addsDefault = !asked.no_default_policy && !named.includes("root") && (caller.isRoot || isSudo || wanted.length === 0 ? true : caller.policies.includes("default"));
  const all = new Set(named);
  if (asked.no_default_policy) all.delete("default");
  else if (addsDefault) all.add("default");
  return [...all].sort();
}

function make(request: EngineRequest<Asked>, storage: WriteStorage, mount: Mount<unknown>, isOrphan: boolean, isSudo: boolean): Response {
  const { input: asked, caller } = request;
  if (!caller) throw denied();
  const rights = { caller, isSudo };
  if (asked.type !== "service" && asked.type !== "default") throw invalid(asked.type === "batch" ? "batch tokens are not built yet; use type=service" : `invalid 'token_type' value ${JSON.stringify(asked.type)}`);
  if (asked.entity_alias !== undefined && asked.entity_alias !== "") throw invalid("'entity_alias' is only allowed in combination with token role");
  if (asked.id !== undefined && asked.id !== "") checkOwnId(asked.id, rights);
  if (asked.num_uses < 0) throw invalid("number of uses cannot be negative");
  if (asked.period > 0 && !isSudo && !caller.isRoot) throw invalid("root or sudo privileges required to create periodic token");
  const policies = policiesFor(asked, rights);
  const warnings = policies.filter((name) => !getPolicy(storage, name)).map((name) => `Policy ${JSON.stringify(name)} does not exist`);
  const isRootToken = policies.includes("root");
  const wanted = asked.ttl || asked.lease;
  if (asked.explicit_max_ttl > 0 && wanted > asked.explicit_max_ttl) warnings.push(`Explicit max TTL of ${asked.explicit_max_ttl} seconds is less than the requested TTL; TTL is capped accordingly`);
  // A root token without a TTL asked for lives for ever, as its parent does.
  const isEndless = isRootToken && wanted === 0 && asked.period === 0 && asked.explicit_max_ttl === 0;
  const clipped = isEndless ? { ttl: 0, warnings: [] } : clipTtl(wanted, { period: asked.period, explicitMaxTtl: asked.explicit_max_ttl, age: 0 }, { defaultTtl: mount.defaultLeaseTtlSeconds, maxTtl: mount.maxLeaseTtlSeconds });
  const { text, entry } = createToken(
    storage,
    {
      ...(asked.id && { text: asked.id }),
      parent: isOrphan ? "" : caller.tokenId,
      policies,
      path: `auth/token/${request.path}`,
      meta: asked.meta && Object.keys(asked.meta).length > 0 ? asked.meta : null,
      displayName: asked.display_name === "" ? "token" : `token-${asked.display_name.replace(/[^a-zA-Z0-9-]/g, "-")}`,
      numUses: asked.num_uses,
      ttl: clipped.ttl,
      explicitMaxTtl: asked.explicit_max_ttl,
      period: asked.period,
      renewable: asked.renewable,
    },
    mount.env,
  );
  return { kind: "envelope", data: null, auth: wireAuth(text, entry), warnings: [...warnings, ...clipped.warnings] };
}

function checkOwnId(id: string, { caller }: Rights): void {
  if (!caller.isRoot) throw invalid("root required to specify token id");
  if (!/^[\x21-\x7e]{1,256}$/.test(id)) throw invalid("the token id must be printable and without spaces");
  if (id.startsWith("hvb.") || id.startsWith("hvr.")) throw invalid(`custom token ID cannot have the ${JSON.stringify(id.slice(0, 4))} prefix`);
}

const help = (synopsis: string) => ({ synopsis, description: "The token create path is used to create new tokens." });

export const create = definePath({
  template: "create",
  help: help("This endpoint is used to create a new token."),
  fields,
  operations: {
    update: {
      effect: "write",
      summary: "Create a token, a child of the calling one.",
      handler(request, storage, mount) {
        const isRoot = request.caller?.isRoot ?? false;
        if (request.input.no_parent && !isRoot) throw invalid("root or sudo privileges required to create orphan token");
        return make(request, storage, mount, request.input.no_parent, isRoot);
      },
    },
  },
});

export const createOrphan = definePath({
  template: "create-orphan",
  help: help("This endpoint is used to create a new orphan token."),
  fields,
  operations: {
    update: { effect: "write", access: "sudo", summary: "Create a token without a parent.", handler: (request, storage, mount) => make(request, storage, mount, true, true) },
  },
});


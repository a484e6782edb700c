import { formatGoDuration } from "@coffer/client";
import type { Command } from "../framework/command.js";
import type { FlagValues } from "../framework/flags.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "token create [options]",
  description: "Makes a token: a child of the current one, unless -orphan.\n\n    $ coffer token create -policy=my-policy -ttl=1h",
  flags: [
    { name: "policy", kind: "list", help: "A policy of the token. May be repeated." },
    { name: "ttl", kind: "duration", help: "Lifetime at first; by default the system's." },
    { name: "explicit-max-ttl", kind: "duration", help: "Lifetime that no renewal goes beyond." },
    { name: "period", kind: "duration", help: "Makes a periodic token: each renewal sets the lifetime to this." },
    { name: "use-limit", kind: "int", help: "How often it may be used; 0 for no limit." },
    { name: "display-name", kind: "string", help: "Name for audit logs." },
    { name: "metadata", kind: "map", help: "Metadata for audit logs, key=value. May be repeated." },
    { name: "renewable", kind: "bool", help: "Whether it can be renewed; -renewable=false forbids it." },
    { name: "orphan", kind: "bool", help: "Without a parent: it outlives the current token." },
    { name: "no-default-policy", kind: "bool", help: "Without the policy named default." },
    { name: "role", kind: "string", help: "Token role to create it by." },
    { name: "type", kind: "string", help: "service or batch." },
    { name: "id", kind: "string", help: "The token's own value, where the caller may choose it." },
    { name: "entity-alias", kind: "string", help: "Alias of the entity to tie it to, with -role." },
  ],
  run: async (context) => {
    const role = context.flags.string("role");
    const path = role === "" ? "auth/token/create" : `auth/token/create/${role}`;
    const body = tokenBody(context.flags);
    const secret = await context.attempt("Error creating token", call(await context.client(), "POST", path, { body }));
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};

function tokenBody(flags: FlagValues): Record<string, unknown> {
  const type = flags.string("type") || "service";
  const body: Record<string, unknown> = { type, renewable: type === "batch" ? false : flags.has("renewable") ? flags.bool("renewable") : true };
  for (const [flag, field] of [["id", "id"], ["display-name", "display_name"], ["entity-alias", "entity_alias"]] as const) {
    if (flags.has(flag)) body[field] = flags.string(flag);
  }
  for (const [flag, field] of [["ttl", "ttl"], ["explicit-max-ttl", "explicit_max_ttl"], ["period", "period"]] as const) {
    if (flags.has(flag)) body[field] = formatGoDuration(flags.duration(flag));
  }
  if (flags.has("policy")) body["policies"] = flags.list("policy");
  if (flags.has("metadata")) body["meta"] = flags.map("metadata");
  if (flags.has("use-limit")) body["num_uses"] = flags.int("use-limit");
  if (flags.bool("orphan")) body["no_parent"] = true;
  if (flags.bool("no-default-policy")) body["no_default_policy"] = true;
  return body;
}

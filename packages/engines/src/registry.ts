import { compileEngine } from "@coffer/state-machine";
import type { CompiledEngine, Engine, MountEntry } from "@coffer/state-machine";
import { approle } from "./approle/engine.js";
import { aws } from "./aws/engine.js";
import { awsAuth } from "./aws-auth/engine.js";
import { cert } from "./cert/engine.js";
import { cubbyhole } from "./cubbyhole/engine.js";
import { database } from "./database/engine.js";
import { github } from "./github/engine.js";
import { identity } from "./identity/engine.js";
import { jwt, oidc } from "./jwt/engine.js";
import { kubernetes } from "./kubernetes/engine.js";
import { kvV1, kvV2 } from "./kv/engine.js";
import { ldap } from "./ldap/engine.js";
import { pki } from "./pki/engine.js";
import { ssh } from "./ssh/engine.js";
import { token } from "./token/engine.js";
import { totp } from "./totp/engine.js";
import { transit } from "./transit/engine.js";
import { userpass } from "./userpass/engine.js";

/** One line an engine. sys/ is not here: it belongs to the state machine. */
export const engines: readonly Engine[] = [
  approle,
  aws,
  awsAuth,
  cert,
  cubbyhole,
  database,
  github,
  identity,
  jwt,
  kubernetes,
  kvV1,
  kvV2,
  ldap,
  oidc,
  pki,
  ssh,
  token,
  totp,
  transit,
  userpass,
];

const compiled = new Map(engines.map((engine) => [engine, compileEngine(engine)]));

/** Engine types that may be mounted, by name. sys/ takes `kv-v1` and `kv-v2` for kv with a version. */
export const mountableTypes: Readonly<Record<MountEntry["table"], readonly string[]>> = {
  secret: ["aws", "database", "kv", "pki", "ssh", "totp", "transit"],
  auth: ["approle", "aws", "cert", "github", "jwt", "kubernetes", "ldap", "oidc", "userpass"],
};

/** What this node has open outside of storage is closed: for the mount of that uuid, or for all (`Engine.release`). */
export async function releaseMounts(mountUuid?: string): Promise<void> {
  await Promise.all(engines.map((engine) => engine.release?.(mountUuid)));
}

/** The engine that serves a mount; undefined for a type or kv version that there is not. */
export function engineFor(entry: Pick<MountEntry, "type" | "table" | "options">): CompiledEngine | undefined {
  if (entry.type === "kv") {
    const version = entry.options?.["version"] ?? "1";
    return version === "2" ? compiled.get(kvV2) : version === "1" ? compiled.get(kvV1) : undefined;
  }
  const engine = engines.find(({ type, table }) => type === entry.type && table === entry.table);
  return engine && compiled.get(engine);
}

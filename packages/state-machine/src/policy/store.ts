import { invalid } from "../errors.js";
import type { Codec, ReadStorage, WriteStorage } from "../framework/storage.js";
import { aclEnds, compileAcl } from "./acl.js";
import type { Acl } from "./acl.js";
import { DEFAULT_POLICY, WRAPPING_POLICY } from "./built-in.js";
import { parsePolicy } from "./parse.js";
import type { ParsedPolicy } from "./parse.js";
import { resolveTemplate } from "./template.js";
import type { TemplateSubject } from "./template.js";

/** Below `core/`. */
const FOLDER = "policy/acl/";
const decoder = new TextDecoder();

/** Parsed once per version, by the store's cache of decoded values. */
const policyCodec: Codec<ParsedPolicy> = {
  encode: ({ name, text }) => Buffer.from(JSON.stringify({ name, text })),
  decode: (bytes) => {
    const { name, text } = JSON.parse(decoder.decode(bytes)) as { name: string; text: string };
    return parsePolicy(name, text);
  },
};

const ROOT: ParsedPolicy = { name: "root", text: "", rules: [], isTemplated: false };
const WRAPPING = parsePolicy("response-wrapping", WRAPPING_POLICY);
const IMMUTABLE = ["root", "response-wrapping", "control-group"];

/** All of these take storage scoped to `core/`. Names are case-insensitive, and may have folders (`team/a`). */
export function getPolicy(storage: ReadStorage, name: string): ParsedPolicy | undefined {
  const key = name.toLowerCase();
  if (key === "root") return ROOT;
  if (key === "response-wrapping") return WRAPPING;
  return storage.get(FOLDER + key, policyCodec);
}

export function putPolicy(storage: WriteStorage, name: string, text: string): void {
  const key = name.toLowerCase();
  if (key.split("/").includes("")) throw invalid(`invalid policy name ${JSON.stringify(name)}`);
  if (IMMUTABLE.includes(key)) throw invalid(`cannot update ${JSON.stringify(key)} policy`);
  storage.put(FOLDER + key, policyCodec, parsePolicy(key, text));
}

export function deletePolicy(storage: WriteStorage, name: string): void {
  const key = name.toLowerCase();
  if (IMMUTABLE.includes(key)) throw invalid(`cannot delete ${JSON.stringify(key)} policy`);
  if (key === "default") throw invalid("cannot delete default policy");
  storage.delete(FOLDER + key);
}

/** Sorted, with `root` last as Vault lists it. */
export async function listPolicies(storage: ReadStorage): Promise<string[]> {
  return [...(await storage.keys(FOLDER)), "root"];
}

export function writeDefaultPolicy(storage: WriteStorage): void {
  storage.put(FOLDER + "default", policyCodec, parsePolicy("default", DEFAULT_POLICY));
}

/** Compiled ACLs by the very policies (not only names) they came from, so that an edited policy never meets an old ACL. */
const MAX_COMPILED = 4096;
const compiled = new Map<string, { readonly policies: readonly ParsedPolicy[]; readonly subject: TemplateSubject | undefined; readonly madeAt: number; readonly endsAt: number; readonly acl: Acl }>();

/**
 * The ACL of some policies at `now` (milliseconds since 1970); those that do not exist grant nothing. `subject` is whose identity fills their templates: the same
 * value for as long as nothing of it changed. Without one, templated paths grant nothing.
 */
export function aclFor(storage: ReadStorage, names: readonly string[], now: number, subject?: TemplateSubject): Acl {
  const policies: ParsedPolicy[] = [];
  for (const name of names) {
    const policy = getPolicy(storage, name);
    if (policy) policies.push(policy);
  }
  const filling = policies.some(({ isTemplated }) => isTemplated) ? subject : undefined;
  const key = filling ? `${filling.entity.id}\n${names.join("\n")}` : names.join("\n");
  const known = compiled.get(key);
  if (known && known.madeAt <= now && now < known.endsAt && known.subject === filling && known.policies.length === policies.length && known.policies.every((policy, i) => policy === policies[i])) return known.acl;
  const acl = compileAcl(policies, now, (path) => resolveTemplate(path, filling));
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  compiled.set(key, { policies, subject: filling, madeAt: now, endsAt: aclEnds(policies, now), acl });
  return acl;
}

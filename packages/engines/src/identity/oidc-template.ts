import { parseDuration } from "@coffer/hcl";
import { invalid } from "@coffer/state-machine";
import type { Entity, EntityAlias, Group, Identity } from "@coffer/state-machine";

/** Claims that a token has anyway, and that no template may set. */
export const RESERVED = ["iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash"];

type Claims = Readonly<Record<string, unknown>>;
type Subject = Pick<Identity, "groups"> & { readonly entity: Pick<Entity, "id" | "name" | "metadata" | "aliases"> };

const NOBODY: Subject = { entity: { id: "", name: "", metadata: null, aliases: [] }, groups: [] };
const MS = 1000;

/** A role's template as it was given: in clear, or in base64. */
export function templateText(given: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(given)) return given;
  const decoded = Buffer.from(given, "base64").toString("utf8");
  return decoded.includes("\uFFFD") ? given : decoded;
}

/** Throws RequestError 400 for a template that would not make claims. */
export function checkTemplate(template: string): void {
  const reserved = claimNames(template).find((name) => RESERVED.includes(name));
  if (reserved !== undefined) throw invalid(`top level key ${JSON.stringify(reserved)} not allowed. Restricted keys: ${RESERVED.join(", ")}`);
}

/** The claims that a template sets. Throws RequestError 400. */
export function claimNames(template: string): string[] {
  return Object.keys(fillTemplate(template, NOBODY, 0));
}

/** JSON with `{{…}}` for values of whoever the token is for. Throws RequestError 400. */
export function fillTemplate(template: string, subject: Subject, nowMs: number): Claims {
  if (template.trim() === "") return {};
  const text = template.replace(/\{\{(.*?)\}\}/gs, (_whole, inside: string) => {
    const value = valueOf(inside.trim(), subject, nowMs);
    if (value === undefined) throw invalid(`error parsing template: unknown selector ${JSON.stringify(inside.trim())}`);
    return JSON.stringify(value);
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid("error parsing template JSON: it is not valid JSON");
  }
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) throw invalid("error parsing template JSON: it must be an object");
  return parsed as Claims;
}

/** Undefined for a selector that there is not; what has no value is empty. */
function valueOf(selector: string, { entity, groups }: Subject, nowMs: number): unknown {
  if (selector === "identity.entity.groups.names") return groups.map(({ name }) => name);
  if (selector === "identity.entity.groups.ids") return groups.map(({ id }) => id);
  const [, ofEntity] = /^identity\.entity\.(.+)$/.exec(selector) ?? [];
  if (ofEntity !== undefined) {
    const [, accessor, ofAlias] = /^aliases\.([^.]+)\.(.+)$/.exec(ofEntity) ?? [];
    if (ofAlias === undefined) return plainValue(ofEntity, entity);
    return aliasValue(ofAlias, entity.aliases.find((alias) => alias.mountAccessor === accessor));
  }
  const [, by, which, what] = /^identity\.groups\.(ids|names)\.([^.]+)\.(.+)$/.exec(selector) ?? [];
  if (what !== undefined) return plainValue(what, groups.find((group: Group) => (by === "ids" ? group.id : group.name) === which) ?? NOBODY.entity);
  return timeValue(selector, nowMs);
}

function aliasValue(selector: string, alias: Pick<EntityAlias, "id" | "name" | "metadata" | "customMetadata"> | undefined): unknown {
  const [, custom] = /^custom_metadata(?:\.(.+))?$/.exec(selector) ?? ["", null];
  if (custom === null) return plainValue(selector, alias ?? NOBODY.entity);
  return metadataValue(alias?.customMetadata ?? null, custom);
}

function plainValue(selector: string, values: { readonly id: string; readonly name: string; readonly metadata: Readonly<Record<string, string>> | null }): unknown {
  if (selector === "id") return values.id;
  if (selector === "name") return values.name;
  const [, key] = /^metadata(?:\.(.+))?$/.exec(selector) ?? ["", null];
  return key === null ? undefined : metadataValue(values.metadata, key);
}

function metadataValue(metadata: Readonly<Record<string, string>> | null, key: string | undefined): unknown {
  if (key === undefined) return metadata ?? {};
  return metadata && Object.hasOwn(metadata, key) ? metadata[key] : "";
}

/** Seconds since 1970. */
function timeValue(selector: string, nowMs: number): number | undefined {
  const now = Math.floor(nowMs / MS);
  if (selector === "time.now") return now;
  const [, direction, duration = ""] = /^time\.now\.(plus|minus)\.(.+)$/.exec(selector) ?? [];
  const seconds = direction === undefined ? undefined : parseDuration(duration);
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  return Math.floor(direction === "plus" ? now + seconds : now - seconds);
}

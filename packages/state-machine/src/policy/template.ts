/** Whose identity fills the templates of a policy's paths (Vault docs, "Templated policies"). */
export interface TemplateSubject {
  readonly entity: TemplateValues & {
    readonly aliases: readonly (TemplateValues & { readonly mountAccessor: string; readonly customMetadata: Metadata })[];
  };
  readonly groups: readonly TemplateValues[];
}

type Metadata = Readonly<Record<string, string>> | null;

interface TemplateValues {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
}

/**
 * Would make a value say more than itself: wildcards match what was not meant, and a slash reaches into other folders.
 * Whoever chooses their own name or metadata must not choose what they may do.
 */
const FORBIDDEN = /[*+/]/;

/** Whether every `{{` has its `}}`. */
export function isBalanced(path: string): boolean {
  const rest = path.replace(/\{\{(?:(?!\{\{|\}\}).)*\}\}/g, "");
  return !rest.includes("{{") && !rest.includes("}}");
}

/**
 * A path with its templates filled. Undefined where one of them has no value, an empty one, or one that may not stand in a
 * path, and without a subject: such a path names nothing.
 */
export function resolveTemplate(path: string, subject: TemplateSubject | undefined): string | undefined {
  if (!path.includes("{{")) return path;
  return subject && fill(path, (selector) => valueOf(selector, subject), (value) => !FORBIDDEN.test(value));
}

/** As `resolveTemplate`, for text that may hold anything; `named` turns other names for a selector into these. */
export function fillTemplate(text: string, named: (selector: string) => string, subject: TemplateSubject): string | undefined {
  return fill(text, (selector) => valueOf(named(selector), subject), () => true);
}

function fill(text: string, value: (selector: string) => string | undefined, isAllowed: (value: string) => boolean): string | undefined {
  let isComplete = true;
  const filled = text.replace(/\{\{(.*?)\}\}/g, (_whole, inside: string) => {
    const found = value(inside.trim()) ?? "";
    if (found === "" || !isAllowed(found)) isComplete = false;
    return found;
  });
  return isComplete ? filled : undefined;
}

function valueOf(selector: string, { entity, groups }: TemplateSubject): string | undefined {
  const ofEntity = after(selector, "identity.entity.");
  if (ofEntity !== undefined) return entityValue(ofEntity, entity);
  const ofGroups = after(selector, "identity.groups.");
  if (ofGroups === undefined) return undefined;
  const [, by, which, what] = /^(ids|names)\.([^.]+)\.(.+)$/.exec(ofGroups) ?? [];
  const group = groups.find((one) => (by === "ids" ? one.id : one.name) === which);
  return group && what !== undefined ? plainValue(what, group) : undefined;
}

function entityValue(selector: string, entity: TemplateSubject["entity"]): string | undefined {
  const ofAlias = after(selector, "aliases.");
  if (ofAlias === undefined) return plainValue(selector, entity);
  const [, accessor, what = ""] = /^([^.]+)\.(.+)$/.exec(ofAlias) ?? [];
  const alias = entity.aliases.find((one) => one.mountAccessor === accessor);
  if (!alias) return undefined;
  const custom = after(what, "custom_metadata.");
  return custom === undefined ? plainValue(what, alias) : own(alias.customMetadata, custom);
}

function plainValue(selector: string, values: TemplateValues): string | undefined {
  if (selector === "id") return values.id;
  if (selector === "name") return values.name;
  const key = after(selector, "metadata.");
  return key === undefined ? undefined : own(values.metadata, key);
}

const own = (metadata: Metadata, key: string) => (metadata && Object.hasOwn(metadata, key) ? metadata[key] : undefined);

function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

/** Whose identity fills the templates of policies' paths and of roles (Vault docs, "Templated policies"). */
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
export function isBalanced(text: string): boolean {
  const rest = text.replace(/\{\{(?:(?!\{\{|\}\}).)*\}\}/g, "");
  return !rest.includes("{{") && !rest.includes("}}");
}

/**
 * A text with its templates filled, a policy's path where nothing else is said. Undefined where one of them has no value, an
 * empty one, or one with something `forbidden` in it, and without a subject: such a text names nothing.
 */
export function resolveTemplate(text: string, subject: TemplateSubject | undefined, forbidden: RegExp = FORBIDDEN): string | undefined {
  if (!text.includes("{{")) return text;
  return subject && fill(text, (selector) => valueOf(selector, subject), (value) => !forbidden.test(value));
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

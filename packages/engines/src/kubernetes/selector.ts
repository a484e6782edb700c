/** Labels that a namespace must have, as `{"matchLabels": {...}}`; of Kubernetes' LabelSelector that is what Vault takes. JSON or YAML. */
export type Selector = Readonly<Record<string, string>>;

/** Labels are short and few. */
const MOST_CHARACTERS = 65_536;

/** Undefined for what is no selector. */
export async function selectorFrom(text: string): Promise<Selector | undefined> {
  if (text.length > MOST_CHARACTERS) return undefined;
  try {
    const { matchLabels, ...rest } = (await valueFrom(text)) as { readonly matchLabels?: unknown };
    if (Object.keys(rest).length > 0 || matchLabels === null || typeof matchLabels !== "object" || Array.isArray(matchLabels)) return undefined;
    const labels = matchLabels as Record<string, unknown>;
    return Object.keys(labels).length > 0 && Object.values(labels).every((value) => typeof value === "string") ? (labels as Selector) : undefined;
  } catch {
    return undefined;
  }
}

/** The parser of YAML is loaded when somebody writes YAML. Throws for what is neither. */
async function valueFrom(text: string): Promise<unknown> {
  if (text.trimStart().startsWith("{")) return JSON.parse(text) as unknown;
  const { parse } = await import("yaml");
  // Nothing here needs an alias, and many of them make much of little.
  return parse(text, { maxAliasCount: 0 }) as unknown;
}

export function selects(selector: Selector, labels: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

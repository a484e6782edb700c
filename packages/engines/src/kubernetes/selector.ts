/** Labels that a namespace must have, as `{"matchLabels": {...}}`; of Kubernetes' LabelSelector that is what Vault takes. */
export type Selector = Readonly<Record<string, string>>;

/** Undefined for what is no selector. */
export function selectorFrom(text: string): Selector | undefined {
  try {
    const { matchLabels, ...rest } = JSON.parse(text) as { readonly matchLabels?: unknown };
    if (Object.keys(rest).length > 0 || matchLabels === null || typeof matchLabels !== "object" || Array.isArray(matchLabels)) return undefined;
    const labels = matchLabels as Record<string, unknown>;
    return Object.keys(labels).length > 0 && Object.values(labels).every((value) => typeof value === "string") ? (labels as Selector) : undefined;
  } catch {
    return undefined;
  }
}

export function selects(selector: Selector, labels: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(selector).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

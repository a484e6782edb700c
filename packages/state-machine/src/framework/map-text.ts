import { HclError, parseHcl } from "@coffer/hcl";
import type { Body, Value } from "@coffer/hcl";

/**
 * A map that came as text, as on a command line: JSON, or what HCL calls an object (`{ "a" = "b", "c" = "d" }`). Undefined: it
 * is neither.
 */
export function mapFromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fromHcl(text);
  }
}

function fromHcl(text: string): unknown {
  try {
    const { items } = parseHcl(`map = ${text}`, "map");
    const [only] = items;
    return items.length === 1 && only?.kind === "attribute" ? plain(only.value) : undefined;
  } catch (error) {
    if (error instanceof HclError) return undefined;
    throw error;
  }
}

function plain(value: Value): unknown {
  if (value.kind === "null") return null;
  if (value.kind === "list") return value.items.map(plain);
  return value.kind === "object" ? plainObject(value.body) : value.value;
}

/** Throws HclError for blocks, and for a name that is there twice. */
function plainObject({ items }: Body): Readonly<Record<string, unknown>> {
  const entries = new Map<string, unknown>();
  for (const item of items) {
    if (item.kind === "block" || entries.has(item.name)) throw new HclError(item.file, item.at, `${item.name} is no member of a map`);
    entries.set(item.name, plain(item.value));
  }
  return Object.fromEntries(entries);
}

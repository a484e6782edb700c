import { HclError } from "./ast.js";
import type { Body, Item, Value } from "./ast.js";
import { describeValue } from "./describe.js";

export interface LabelledBody {
  readonly labels: readonly string[];
  readonly body: Body;
}

/** `listener "tcp" {…}`, `listener = {tcp = {…}}` and the JSON forms all give bodies with labels. Throws HclError. */
export function nestedBlocks(item: Item, labels: number): LabelledBody[] {
  if (item.kind === "block") return [{ labels: item.labels, body: item.body }];

  const unwrap = (value: Value, name: string, above: readonly string[]): LabelledBody[] => {
    if (value.kind === "list") return value.items.flatMap((one) => unwrap(one, name, above));
    if (value.kind !== "object") throw new HclError(item.file, value.at, `${name} takes a block ({ … }), not ${describeValue(value)}`);
    if (above.length === labels) return [{ labels: above, body: value.body }];
    return value.body.items.flatMap((inner) =>
      inner.kind === "block"
        ? nestedBlocks(inner, 0).map((block) => ({ ...block, labels: [...above, inner.name, ...block.labels] }))
        : unwrap(inner.value, inner.name, [...above, inner.name]),
    );
  };
  return unwrap(item.value, item.name, []);
}

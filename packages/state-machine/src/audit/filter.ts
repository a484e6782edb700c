import { parseExpression } from "./expression.js";
import type { Predicate } from "./expression.js";

/** What a filter may ask of a record. */
export type FilterSubject = Readonly<Record<(typeof SELECTORS)[number], string>>;
export type Filter = Predicate<FilterSubject>;

const SELECTORS = ["mount_point", "mount_type", "namespace", "operation", "path"] as const;

/** Which records a device gets. Throws RequestError 400. */
export function parseFilter(text: string): Filter {
  return parseExpression<FilterSubject>(text, {
    what: "filter",
    selectors: `one of ${SELECTORS.join(", ")}`,
    selector(name, isQuoted) {
      const known = isQuoted ? undefined : SELECTORS.find((one) => one === name);
      return known && ((subject) => subject[known]);
    },
  });
}

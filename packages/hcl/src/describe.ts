import type { Value } from "./ast.js";

/** A value as an error message names it. */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case "string":
      return `the string ${JSON.stringify(value.value)}`;
    case "number":
      return value.text;
    case "bool":
      return String(value.value);
    case "list":
      return "a list";
    case "object":
      return "a block";
    case "null":
      return "null";
  }
}

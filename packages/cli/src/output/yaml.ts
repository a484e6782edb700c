import { Document, Scalar, parse, visit } from "yaml";
import { isNumberText } from "../framework/json.js";

/** YAML with sorted keys and lists flush with their key, quoted so that YAML 1.1 and 1.2 readers agree on it. */
export function formatYaml(value: unknown): string {
  const document = new Document(plain(value), { version: "1.1", sortMapEntries: true });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && needsDoubleQuotes(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0, singleQuote: true, directives: false }).replace(/\n$/, "");
}

/** Text that would be read as a number, a date or a boolean, and text with tabs, other controls or a loose end in it. */
function needsDoubleQuotes(text: string): boolean {
  if (text === "" || /[^\P{Cc}\n]|^\s*\n|[ \n]\n|\n[ ]/u.test(text)) return true;
  if (/[\n:#{}[\],&*!|>'"%@`]|^[-?\s]|\s$/.test(text) && !/^\d{4}-\d/.test(text)) return false;
  return (["1.1", "1.2"] as const).some((version) => typeof parse(text, { version }) !== "string");
}

function plain(value: unknown): unknown {
  if (isNumberText(value)) return /^-?\d+$/.test(value.value) ? BigInt(value.value) : Number(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

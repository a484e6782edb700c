import { isLosslessNumber } from "../framework/document.js";

/** Of XML 1.0 the characters that cannot stand in it, however they are written; and halves of pairs. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;" };

const escape = (text: string): string => text.replace(UNWRITABLE, "\ufffd").replace(/[&<>"'\t\n\r]/g, (found) => ENTITIES[found]!);

/**
 * A record as JSONx (IBM DataPower), as Vault writes it: the members of the record, sorted, on one line, without an element
 * around them.
 */
export function jsonxOf(record: Readonly<Record<string, unknown>>): string {
  return members(record);
}

function members(object: Readonly<Record<string, unknown>>): string {
  return Object.keys(object)
    .sort()
    .map((name) => (object[name] === undefined ? "" : element(object[name], ` name="${escape(name)}"`)))
    .join("");
}

function element(value: unknown, name: string): string {
  if (value === null || value === undefined) return `<json:null${name} />`;
  if (typeof value === "string") return `<json:string${name}>${escape(value)}</json:string>`;
  if (typeof value === "boolean") return `<json:boolean${name}>${value}</json:boolean>`;
  if (typeof value === "number" || isLosslessNumber(value)) return `<json:number${name}>${String(value)}</json:number>`;
  if (Array.isArray(value)) return `<json:array${name}>${value.map((item) => element(item, "")).join("")}</json:array>`;
  return `<json:object${name}>${members(value as Readonly<Record<string, unknown>>)}</json:object>`;
}

import { Filter, FilterParser } from "ldapts";
import { invalid } from "@coffer/state-machine";

const PLACE = /\{\{-?\s*\.(\w+)\s*-?\}\}/g;

/** A filter with `{{.Name}}` in it. Every value is escaped as RFC 4515 has it, so that it stays a value. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACE, (_, name: string) => Filter.escape(values[name] ?? ""));
}

/** Throws RequestError 400 for a template of anything but these names, or that is no filter once it is filled. */
export function checkTemplate(field: string, template: string, names: readonly string[]): void {
  if (template === "") return;
  const unknown = [...template.matchAll(PLACE)].map(([, name]) => name!).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`invalid ${field}: there is no {{.${unknown}}}, only ${names.map((name) => `{{.${name}}}`).join(" and ")}`);
  const filled = fillTemplate(template, Object.fromEntries(names.map((name) => [name, "x"])));
  if (/\{\{|\}\}/.test(filled)) throw invalid(`invalid ${field}: only ${names.map((name) => `{{.${name}}}`).join(" and ")} can stand between {{ and }}`);
  try {
    FilterParser.parseString(filled);
  } catch {
    throw invalid(`invalid ${field}: it is not an LDAP filter`);
  }
}

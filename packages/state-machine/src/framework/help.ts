import type { Engine } from "./engine.js";
import type { AnyPath } from "./path.js";

const wrap = (text: string, indent: string) => text.trim().split("\n").map((line) => `${indent}${line.trim()}`.trimEnd()).join("\n");

/** The text of `?help=1` on one path. */
export function pathHelp(mountedAt: string, path: string, declaration: AnyPath): string {
  const parameters = Object.entries(declaration.fields as Record<string, { kind: { name: string }; description: string; deprecated?: boolean }>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { kind, description, deprecated }]) => `    ${name} (${kind.name})\n${deprecated ? "        (deprecated) " : "        "}${description}`);
  return [
    `Request:        ${path}`,
    `Matching Route: ${mountedAt}${declaration.template}`,
    "",
    declaration.help.synopsis.trim(),
    ...(parameters.length > 0 ? ["", "## PARAMETERS", "", parameters.join("\n\n")] : []),
    "",
    "## DESCRIPTION",
    "",
    declaration.help.description.trim() === "" ? wrap(declaration.help.synopsis, "") : wrap(declaration.help.description, ""),
    "",
  ].join("\n");
}

/** The text of `?help=1` on a mount. */
export function engineHelp(engine: Engine): string {
  const paths = [...engine.paths].sort((a, b) => (a.template < b.template ? -1 : 1)).map((path) => `    ${path.template}\n        ${path.help.synopsis.trim()}`);
  return ["## DESCRIPTION", "", engine.help.trim(), "", "## PATHS", "", "The following paths are supported by this backend. To view help for", "any of the paths below, use the help command with any route matching", "the path pattern. Note that depending on the policy of your auth token,", "you may or may not be able to access certain paths.", "", paths.join("\n\n"), ""].join("\n");
}

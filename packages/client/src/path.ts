import { ClientSetupError } from "./errors.js";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** An API path ("secret/data/app", with or without a leading slash) percent-encoded segment by segment. Throws ClientSetupError for "." and "..". */
export function formatPath(path: string): string {
  return path.replace(/^\/+/, "").replace(/^v1\//, "").split("/").map(formatSegment).join("/");
}

/** Go leaves these bare in a path; encodeURIComponent does not, and URLs are compared and printed. */
const BARE: Readonly<Record<string, string>> = { "%24": "$", "%26": "&", "%2B": "+", "%2C": ",", "%3A": ":", "%3B": ";", "%3D": "=", "%40": "@" };

function formatSegment(segment: string): string {
  // Every URL parser resolves dot segments, percent-encoded ones too: the request would go to another path.
  if (segment === "." || segment === "..") throw new ClientSetupError(`"${segment}" cannot be part of a path`);
  return encodeURIComponent(segment).replace(/%(24|26|2B|2C|3A|3B|3D|40)/g, (code) => BARE[code] ?? code);
}

export function formatQuery(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? (value as readonly string[]) : [value]) search.append(name, String(item));
  }
  return search.toString();
}

import { invalid } from "@coffer/state-machine";

/** Longer than the keys that anybody looks for. */
const MAX_LENGTH = 512;

/**
 * What a search asks of a key. Letters count alike in either case.
 *
 * - Without a wildcard, the text may stand anywhere in the key, folders and all.
 * - With `*` (any characters or none, slashes too) or `?` (one character), it describes the whole name: the last part of the
 *   key, or all of it where the query has a slash itself.
 *
 * Throws RequestError 400 for a query that is too long.
 */
export function keyQuery(query: string): (key: string) => boolean {
  if (query.length > MAX_LENGTH) throw invalid(`query must not be longer than ${MAX_LENGTH} characters`);
  const wanted = query.toLowerCase();
  if (wanted === "") return () => true;
  if (!/[*?]/.test(wanted)) return (key) => key.toLowerCase().includes(wanted);
  const isPath = wanted.includes("/");
  return (key) => matches(wanted, (isPath ? key : key.slice(key.lastIndexOf("/") + 1)).toLowerCase());
}

/** Goes back to the last asterisk only, so that no pattern takes more than its length times the text's. */
function matches(pattern: string, text: string): boolean {
  let [at, star, retry] = [0, -1, 0];
  for (let i = 0; i < text.length; ) {
    if (pattern[at] === "*") [star, retry, at] = [at, i, at + 1];
    else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === text[i])) [at, i] = [at + 1, i + 1];
    else if (star >= 0) [at, i] = [star + 1, ++retry];
    else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

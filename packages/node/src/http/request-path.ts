import { invalid } from "@coffer/state-machine";

/** Printable ASCII without `\` and `%`: nearly every path, and nothing to decode in it. */
const PLAIN = /^[ -$&-[\]-~]*$/;
/** Letters, marks, numbers, punctuation, symbols and the space, of any script: what a person can see. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
/** A segment that is empty, `.` or `..`; a trailing slash is none. */
const STRAY_SEGMENT = /^\/|\/\/|(?:^|\/)\.\.?(?:\/|$)/;

/**
 * The path of an API request, given what stands between `/v1/` and `?`. Percent-decoded, otherwise as it came: a path is
 * refused or taken literally, never tidied into another one. Throws RequestError 400.
 */
export function requestPath(raw: string): string {
  const path = PLAIN.test(raw) ? raw : decoded(raw);
  if (STRAY_SEGMENT.test(path)) throw invalid("the path must not hold empty, '.' or '..' segments");
  return path;
}

function decoded(raw: string): string {
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    throw invalid("the path is not validly percent-encoded UTF-8");
  }
  if (UNPRINTABLE.test(path) || path.includes("\\")) throw invalid("the path must not hold control characters or backslashes");
  return path;
}

/**
 * What differs from run to run, in the order of their weight: as it looks in a page, and so in an answer. A page shows what its
 * author saw; the same place of the same kind is as good.
 */
const RANDOM = [
  // Times.
  String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)`,
  // UUIDs.
  String.raw`[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`,
  // Serial numbers and fingerprints.
  String.raw`(?:[0-9a-f]{2}[:-]){5,}[0-9a-f]{2}`,
  // Tokens.
  String.raw`hv[sbr]\.[\w-]+`,
  // JWTs.
  String.raw`eyJ[\w-]+\.[\w-]+\.[\w-]*`,
  // Ends of accessors (auth_userpass_95962fce).
  String.raw`(?<=_)[0-9a-f]{8}\b`,
  // Seconds since 1970, one-time codes.
  String.raw`\b1[6-9]\d{8}\b`,
  String.raw`\b\d{6}\b`,
  // Keys, ciphertexts, accessors: long, of small and capital letters and digits.
  String.raw`(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[\w+/-]{20,}={0,2}`,
  // Base32 secrets.
  String.raw`\b[A-Z2-7]{32}\b`,
];
const ANY_LINES = "…";
/** What is cut off goes by the dots; what stands before them is not compared, since it may be random too. */
const CUT = /[\w+/=.-]*…/;
const PARTS = new RegExp(`${CUT.source}|${RANDOM.join("|")}`, "g");

/** From what a page shows to what stands at its place in this run. */
export type Learned = Map<string, string>;

/** undefined where the output is as shown; else what is wrong. What differs in the right way is added to `learned`. */
export function compareOutput(shown: readonly string[], output: string, learned: Learned): string | undefined {
  const pattern: string[] = [];
  const names: (string | undefined)[] = [];
  for (const line of shown) pattern.push(line.trim() === ANY_LINES ? String.raw`(?:.*\n)*?` : `${linePattern(line, names)}\\n`);
  const match = new RegExp(`^${pattern.join("")}$`).exec(`${output.trimEnd()}\n`);
  if (!match) return `shown:\n${indent(shown.join("\n"))}\ncame:\n${indent(output.trimEnd())}`;
  for (const [index, name] of names.entries()) if (name !== undefined) learned.set(name, match[index + 1]!);
  return undefined;
}

/** A command as a reader types it: with the values of this run in place of those that the page shows, cut or whole. */
export function withLearned(command: string, learned: Learned): string {
  let result = command;
  for (const [shown, value] of [...learned].sort(([a], [b]) => b.length - a.length)) result = result.replaceAll(shown, () => value);
  return result.replaceAll(/([\w+/=.-]+)…/g, (cut: string, start: string) => {
    const found = [...learned].filter(([shown]) => shown.startsWith(start));
    return found.length === 1 ? found[0]![1] : cut;
  });
}

/** Whether the page shows that the command fails. */
export const showsFailure = (shown: readonly string[] | undefined): boolean => shown?.some((line) => /^(\* |Error |Code: [45])/.test(line)) ?? false;

function linePattern(line: string, names: (string | undefined)[]): string {
  let pattern = "";
  let at = 0;
  for (const { 0: part, index } of line.matchAll(PARTS)) {
    pattern += literal(line.slice(at, index));
    pattern += part.endsWith("…") ? "(.*?)" : `(${kindOf(part)})`;
    names.push(part.endsWith("…") ? undefined : part);
    at = index + part.length;
  }
  return pattern + literal(line.slice(at)).replace(/(\\s\+)?$/, String.raw`\s*?`);
}

/** What a page tells such a value by, letters and a digit, one of this run may lack: of 24 random characters none is a digit one time in 68. */
function kindOf(part: string): string {
  return RANDOM.find((kind) => new RegExp(`^(?:${kind.replace("(?<=_)", "")})$`).test(part))!.replaceAll(/\(\?=[^)]*\)/g, "");
}

/** Columns are as wide as what is in them. */
function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/[ \t]+/g, String.raw`\s+`);
}

const indent = (text: string): string => text.replace(/^/gm, "  | ");

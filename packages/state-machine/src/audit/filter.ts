import { invalid } from "../errors.js";

/** What a filter may ask of a record. */
export type FilterSubject = Readonly<Record<(typeof SELECTORS)[number], string>>;
export type Filter = (subject: FilterSubject) => boolean;

const SELECTORS = ["mount_point", "mount_type", "namespace", "operation", "path"] as const;
const MAX_LENGTH = 4096;
const MAX_DEPTH = 64;
const TOKEN = /\s*(?:(==|!=|\(|\))|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([A-Za-z_][\w.-]*)|(\S))/y;

type Token = { readonly kind: "symbol" | "word" | "text"; readonly value: string };

/**
 * The subset of Vault's filter expressions (go-bexpr) that has one meaning for a record's five properties: `==`, `!=`, `in`,
 * `not in`, `contains`, `not contains`, `is empty`, `is not empty`, joined by `and`, `or`, `not` and brackets. A string stands
 * in quotes. Throws RequestError 400.
 *
 *     mount_type == "kv" and operation != "read"
 *     "approle" in path or not (mount_point is empty)
 */
export function parseFilter(text: string): Filter {
  if (text.length > MAX_LENGTH) throw invalid(`filter must not be longer than ${MAX_LENGTH} characters`);
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;

  const peek = () => tokens[at];
  const fail = (wanted: string): never => {
    const found = peek();
    throw invalid(`filter: ${wanted} was expected, ${found ? `not ${JSON.stringify(found.value)}` : "but it ends"}`);
  };
  function take(value: string): boolean {
    const found = peek();
    if (!found || found.kind === "text" || found.value !== value) return false;
    at += 1;
    return true;
  }

  function either(): Filter {
    if (++depth > MAX_DEPTH) throw invalid("filter: it is nested too deeply");
    let left = both();
    while (take("or")) left = or(left, both());
    depth -= 1;
    return left;
  }
  function both(): Filter {
    let left = one();
    while (take("and")) left = and(left, one());
    return left;
  }
  function one(): Filter {
    if (take("not")) {
      if (++depth > MAX_DEPTH) throw invalid("filter: it is nested too deeply");
      const inner = one();
      depth -= 1;
      return (subject) => !inner(subject);
    }
    if (!take("(")) return comparison();
    const inner = either();
    if (!take(")")) fail(")");
    return inner;
  }
  function comparison(): Filter {
    const first = peek();
    if (first?.kind === "text") {
      at += 1;
      const isNot = take("not");
      if (!take("in")) fail("in");
      const name = selector();
      return (subject) => subject[name].includes(first.value) !== isNot;
    }
    const name = selector();
    if (take("==")) return equals(name, value(), true);
    if (take("!=")) return equals(name, value(), false);
    if (take("is")) {
      const isNot = take("not");
      if (!take("empty")) fail("empty");
      return (subject) => (subject[name] === "") !== isNot;
    }
    const isNot = take("not");
    if (!take("contains")) fail(isNot ? "contains" : "==, !=, contains or is");
    const part = value();
    return (subject) => subject[name].includes(part) !== isNot;
  }
  function selector(): (typeof SELECTORS)[number] {
    const found = SELECTORS.find(take);
    return found ?? fail(`one of ${SELECTORS.join(", ")}`);
  }
  function value(): string {
    const found = peek();
    if (found?.kind !== "text") return fail("a string in quotes");
    at += 1;
    return found.value;
  }

  const filter = either();
  if (at < tokens.length) fail("and, or or the end");
  return filter;
}

const equals = (name: keyof FilterSubject, value: string, wanted: boolean): Filter => (subject) => (subject[name] === value) === wanted;
const and = (left: Filter, right: Filter): Filter => (subject) => left(subject) && right(subject);
const or = (left: Filter, right: Filter): Filter => (subject) => left(subject) || right(subject);

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const [, symbol, quoted, plain, word, other] = TOKEN.exec(text)!;
    if (other !== undefined) throw invalid(`filter: ${JSON.stringify(other)} has no meaning here`);
    if (symbol !== undefined) tokens.push({ kind: "symbol", value: symbol });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else tokens.push({ kind: "text", value: plain ?? quoted!.replace(/\\(.)/g, "$1") });
  }
  return tokens;
}

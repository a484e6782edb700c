import { RE2JS } from "re2js";
import { invalid } from "../errors.js";

export type Predicate<S> = (subject: S) => boolean;

/** What can be asked for a value: undefined where it is not there. */
export type Selector<S> = (subject: S) => unknown;

export interface Language<S> {
  /** Of errors: "filter". */
  readonly what: string;
  /** Of a word, or of a text in quotes. Undefined: there is no such thing. */
  readonly selector: (name: string, isQuoted: boolean) => Selector<S> | undefined;
  /** What was expected where there is none. */
  readonly selectors: string;
}

const MAX_LENGTH = 4096;
const MAX_DEPTH = 64;
const TOKEN = /\s*(?:(==|!=|\(|\))|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([A-Za-z0-9_][\w./-]*)|(\S))/y;

interface Token {
  readonly kind: "symbol" | "word" | "text";
  readonly value: string;
}

/**
 * The part of Vault's expressions (go-bexpr) that has one meaning for a record: `==`, `!=`, `in`, `not in`, `contains`,
 * `not contains`, `matches`, `not matches`, `is empty`, `is not empty`, joined by `and`, `or`, `not` and brackets. A value stands in
 * quotes (with Go's escapes, of which JSON's are taken), in backticks as it is, or as a word. What `matches` takes is a regular
 * expression of RE2, as Go's are: somewhere in the text, and in time linear to it. Throws RequestError 400.
 *
 *     mount_type == "kv" and operation != read
 *     "approle" in path or not (mount_point is empty)
 */
export function parseExpression<S>(text: string, { what, selector: selectorOf, selectors }: Language<S>): Predicate<S> {
  if (text.length > MAX_LENGTH) throw invalid(`${what} must not be longer than ${MAX_LENGTH} characters`);
  const tokens = tokenize(text, what);
  let at = 0;
  let depth = 0;

  const peek = () => tokens[at];
  const fail = (wanted: string): never => {
    const found = peek();
    throw invalid(`${what}: ${wanted} was expected, ${found ? `not ${JSON.stringify(found.value)}` : "but it ends"}`);
  };
  function take(value: string): boolean {
    const found = peek();
    if (!found || found.kind === "text" || found.value !== value) return false;
    at += 1;
    return true;
  }
  function deeper<T>(inner: () => T): T {
    if (++depth > MAX_DEPTH) throw invalid(`${what}: it is nested too deeply`);
    const found = inner();
    depth -= 1;
    return found;
  }

  function either(): Predicate<S> {
    return deeper(() => {
      let left = both();
      while (take("or")) left = or(left, both());
      return left;
    });
  }
  function both(): Predicate<S> {
    let left = one();
    while (take("and")) left = and(left, one());
    return left;
  }
  function one(): Predicate<S> {
    if (take("not")) {
      const inner = deeper(one);
      return (subject) => !inner(subject);
    }
    if (!take("(")) return comparison();
    const inner = either();
    if (!take(")")) fail(")");
    return inner;
  }
  /** Whether a value is looked for in what follows. */
  function isMembership(): boolean {
    const word = (offset: number) => (tokens[at + offset]?.kind === "word" ? tokens[at + offset]!.value : "");
    return word(1) === "in" || (word(1) === "not" && word(2) === "in");
  }
  function comparison(): Predicate<S> {
    if (isMembership()) {
      const part = value();
      const isNot = take("not");
      take("in");
      const of = selector();
      return (subject) => holds(of(subject), part) !== isNot;
    }
    const of = selector();
    if (take("==")) return equals(of, value(), true);
    if (take("!=")) return equals(of, value(), false);
    if (take("is")) {
      const isNot = take("not");
      if (!take("empty")) fail("empty");
      return (subject) => isEmpty(of(subject)) !== isNot;
    }
    const isNot = take("not");
    if (take("matches")) {
      const found = regularExpression(value());
      return (subject) => found(of(subject)) !== isNot;
    }
    if (!take("contains")) fail(isNot ? "contains or matches" : "==, !=, contains, matches or is");
    const part = value();
    return (subject) => holds(of(subject), part) !== isNot;
  }
  function selector(): Selector<S> {
    const found = peek();
    const known = found && found.kind !== "symbol" ? selectorOf(found.value, found.kind === "text") : undefined;
    if (!known) return fail(selectors);
    at += 1;
    return known;
  }
  function value(): string {
    const found = peek();
    if (!found || found.kind === "symbol") return fail("a value");
    at += 1;
    return found.value;
  }

  function regularExpression(pattern: string): (value: unknown) => boolean {
    try {
      const compiled = RE2JS.compile(pattern);
      return (value) => typeof value === "string" && compiled.test(value);
    } catch (error) {
      throw invalid(`${what}: ${JSON.stringify(pattern)} is no regular expression: ${(error as Error).message.replace("error parsing regexp: ", "")}`);
    }
  }

  const predicate = either();
  if (at < tokens.length) fail("and, or or the end");
  return predicate;
}

const isScalar = (value: unknown): value is string | number | boolean => typeof value === "string" || typeof value === "number" || typeof value === "boolean";
const isText = (value: unknown, text: string): boolean => isScalar(value) && String(value) === text;

/** A text its part, a list its item, an object its member. */
function holds(value: unknown, part: string): boolean {
  if (typeof value === "string") return value.includes(part);
  if (Array.isArray(value)) return value.some((item) => isText(item, part));
  return typeof value === "object" && value !== null && Object.hasOwn(value, part);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

const equals = <S>(of: Selector<S>, value: string, wanted: boolean): Predicate<S> => (subject) => isText(of(subject), value) === wanted;
const and = <S>(left: Predicate<S>, right: Predicate<S>): Predicate<S> => (subject) => left(subject) && right(subject);
const or = <S>(left: Predicate<S>, right: Predicate<S>): Predicate<S> => (subject) => left(subject) || right(subject);

function tokenize(text: string, what: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const [, symbol, quoted, plain, word, other] = TOKEN.exec(text)!;
    if (other !== undefined) throw invalid(`${what}: ${JSON.stringify(other)} has no meaning here`);
    if (symbol !== undefined) tokens.push({ kind: "symbol", value: symbol });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else tokens.push({ kind: "text", value: plain ?? unquoted(quoted!, what) });
  }
  return tokens;
}

function unquoted(text: string, what: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    throw invalid(`${what}: "${text}" has an unknown escape; write a backslash twice, or the value in backticks`);
  }
}

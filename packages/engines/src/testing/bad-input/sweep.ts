import type { AnyPath, Engine, Field, OperationName } from "@coffer/state-machine";
import { createHarness } from "../harness.js";
import type { Harness, Method, RawAnswer } from "../harness.js";
import { PLAUSIBLE, USES, samples } from "./samples.js";
import type { SampleRequest } from "./samples.js";
import { BAD_BODIES, BAD_SEGMENTS, BAD_VALUES, STRANGE_FIELDS } from "./values.js";

/**
 * Bad input for every operation of an engine, made from its declarations, against the real pipeline in memory. Whatever is
 * sent, the answer is no 5xx, names no file and no line of ours, comes in time; and where it is a refusal, nothing was written.
 */
export interface SweepOptions {
  readonly engine: Engine;
  /** Where it is mounted: `auth/token/`. */
  readonly place: string;
  readonly harness: Harness;
  readonly made: readonly SampleRequest[];
  readonly uses: readonly SampleRequest[];
  readonly random: () => number;
  /** How many of the bad values each field gets, chosen by `random`; all of them without it. */
  readonly perField?: number;
}

const METHODS = { read: "GET", list: "LIST", scan: "SCAN", update: "POST", patch: "PATCH", delete: "DELETE" } as const satisfies Record<OperationName, Method>;
/** Long enough for a large RSA key on a busy machine. */
const TIMEOUT_MS = 60_000;
/** What comes from inside: a stack's line, a path of our sources, an error of the runtime. */
const INSIDE = /\bat \S+ \(|node:internal|node_modules|\/(?:dist|src|packages)\/|\.js:\d+|TypeError|RangeError|ReferenceError|SyntaxError|Cannot read propert|is not a function|is not iterable|\[object Object\]/;

export interface Trial {
  readonly method: Method;
  readonly path: string;
  readonly body?: string;
}

export async function sweep({ engine, place, harness, made, uses, random, perField = Infinity }: SweepOptions): Promise<{ readonly findings: string[]; readonly trials: number }> {
  const findings: string[] = [];
  let trials = 0;
  /** What is gone or changed is there again; what cannot be made twice still is. */
  const prepare = async () => {
    for (const { path, body } of made) await harness.exchange("POST", place + path, body).catch(() => {});
  };

  async function attempt(operation: Operation, { method, path, body }: Trial): Promise<RawAnswer | undefined> {
    trials += 1;
    const before = harness.store.index();
    const started = performance.now();
    let answer: RawAnswer;
    try {
      answer = await inTime(harness.exchange(method, path, body, { headers: {} }));
    } catch (error) {
      if (!/needs a real node/.test(String(error))) report({ method, path, ...(body !== undefined && { body }) }, error instanceof Error ? (error.stack ?? error.message) : String(error));
      return undefined;
    }
    const { status, bytes } = answer;
    const elapsed = performance.now() - started;
    const trial = { method, path, ...(body !== undefined && { body }) };
    // Somebody else is not there: the error says so and is not ours, and what was begun with them is on record.
    if ((status === 500 || status === 502) && bytes.includes("ECONNREFUSED")) return answer;
    if (status >= 500) report(trial, `${status} ${bytes.toString("utf8", 0, 300)}`);
    if (status >= 400 && INSIDE.test(bytes.toString())) report(trial, `tells of our insides: ${bytes.toString("utf8", 0, 300)}`);
    if (status >= 400 && harness.store.index() !== before && !operation.counts) report(trial, `${status}, and something was written: ${bytes.toString("utf8", 0, 300)}`);
    if (elapsed > TIMEOUT_MS) report(trial, `took ${Math.round(elapsed)} ms`);
    return answer;
  }

  function report({ method, path, body = "" }: Trial, problem: string): void {
    findings.push(`${method} ${path.slice(0, 200)} ${body.length > 300 ? `${body.slice(0, 300)}… (${body.length})` : body}\n    ${problem}`);
  }

  const isSample = (where: string) => made.some(({ path }) => where === place + path);
  for (const path of engine.paths as readonly AnyPath[]) {
    await prepare();
    const operations = operationsOf(path);
    const plain = place + path.template.replace(/\{\w+\.\.\.\}/, "sample/path").replace(/\{\w+\}/g, "sample");
    const base = baseBody(path, made);
    const reads = operations.filter(({ method }) => method === "GET");
    for (const operation of operations) {
      const { method } = operation;
      if (NOT_ASKED.has(`${method} ${plain}`)) continue;
      const send = async (where: string, body?: string) => {
        const answer = await attempt(operation, { method, path: where, ...(body !== undefined && { body }) });
        if (!answer || answer.status >= 300 || !operation.writes) return;
        // What was taken has to be readable, and what makes use of it has to bear it.
        for (const read of reads) await attempt(read, { method: "GET", path: where });
        const use = uses[Math.floor(random() * uses.length)];
        if (use && method !== "DELETE" && isSample(where)) await attempt(USE, { method: "POST", path: place + use.path, body: JSON.stringify(use.body) });
        if (method === "DELETE") await prepare();
      };
      for (const where of badPlaces(place, path.template)) await send(where, operation.takesBody ? JSON.stringify(base) : undefined);
      if (!operation.takesBody) continue;
      for (const body of BAD_BODIES) await send(plain, body);
      for (const fields of STRANGE_FIELDS) await send(plain, withText(base, fields));
      for (const [name, values] of fieldValues(path, random, perField)) for (const value of values) await send(plain, withField(base, name, value));
    }
  }
  return { findings, trials };
}

interface Operation {
  readonly method: Method;
  readonly takesBody: boolean;
  readonly writes: boolean;
  /** A refusal may be on record: a wrong password is counted, a code is used up. */
  readonly counts: boolean;
}

const USE: Operation = { method: "POST", takesBody: true, writes: true, counts: true };

function operationsOf(path: AnyPath): readonly Operation[] {
  return (Object.keys(path.operations) as OperationName[]).map((name) => {
    const declared = path.operations[name]!;
    return { method: METHODS[name], takesBody: (name === "update" || name === "patch") && declared.rawBody !== true, writes: declared.effect !== "read", counts: declared.effect === "write" && declared.loginAs !== undefined };
  });
}

/** They would end the test's own token. */
const NOT_ASKED = new Set(["POST auth/token/revoke-self"]);

function baseBody(path: AnyPath, made: readonly SampleRequest[]): Readonly<Record<string, unknown>> {
  const known = made.find((one) => one.path === path.template.replace(/\{\w+\.\.\.\}/, "sample/path").replace(/\{\w+\}/g, "sample"));
  if (known) return known.body;
  const inPath = new Set([...path.template.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map(([, name]) => name));
  const fields = Object.entries(path.fields as Readonly<Record<string, Field<unknown>>>).filter(([name]) => !inPath.has(name));
  return Object.fromEntries(fields.flatMap(([name, { required }]) => (Object.hasOwn(PLAUSIBLE, name) ? [[name, PLAUSIBLE[name]]] : required ? [[name, "sample"]] : [])));
}

/** `value` is JSON text. */
function withField(base: Readonly<Record<string, unknown>>, name: string, value: string): string {
  const { [name]: _, ...others } = base;
  return withText(others, `${JSON.stringify(name)}:${value}`);
}

function withText(base: object, fields: string): string {
  const text = JSON.stringify(base);
  return `${text.slice(0, -1)}${text === "{}" ? "" : ","}${fields}}`;
}

function* fieldValues(path: AnyPath, random: () => number, perField: number): Iterable<readonly [string, readonly string[]]> {
  for (const name of [...Object.keys(path.fields as object), "unknown_field"]) {
    yield [name, perField >= BAD_VALUES.length ? BAD_VALUES : Array.from({ length: perField }, () => BAD_VALUES[Math.floor(random() * BAD_VALUES.length)]!)];
  }
}

/** The path with a bad value for one parameter after the other. */
function badPlaces(place: string, template: string): string[] {
  const parameters = [...template.matchAll(/\{\w+(?:\.\.\.)?\}/g)].map(([text]) => text);
  const plain = (text: string) => text.replace(/\{\w+\.\.\.\}/, "sample/path").replace(/\{\w+\}/g, "sample");
  if (parameters.length === 0) return [place + template];
  return parameters.flatMap((parameter) => [place + plain(template), ...BAD_SEGMENTS.map((bad) => place + template.split(parameter).map(plain).join(bad))]);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Mulberry32: the same numbers between 0 and 1 for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An engine with everything that it needs, alone in a service of its own. `sys`, `token`, `identity` and `cubbyhole` are there. */
export async function prepared(engine: Engine): Promise<Pick<SweepOptions, "engine" | "place" | "harness" | "made" | "uses">> {
  const harness = await createHarness();
  const { type, table } = engine;
  const version = type === "kv" ? (engine.paths.some(({ template }) => template.startsWith("metadata")) ? "2" : "1") : undefined;
  const place = type === "system" ? "sys/" : type === "token" ? "auth/token/" : type === "identity" || type === "cubbyhole" ? `${type}/` : table === "auth" ? "auth/fuzzed/" : "fuzzed/";
  if (place.includes("fuzzed")) await harness.mount(place.slice(0, -1), type, version ? { version } : undefined);
  const name = `${table}/${type}${version ? `-v${version}` : ""}`;
  const made = (await samples())[name] ?? [];
  for (const { path, body } of made) {
    const { status, text } = await harness.request("POST", place + path, body);
    if (status >= 300) throw new Error(`the sample ${place}${path} was refused: ${text}`);
  }
  return { engine, place, harness, made, uses: USES[name] ?? [] };
}

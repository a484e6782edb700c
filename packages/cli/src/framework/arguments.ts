import { readFile } from "node:fs/promises";
import { errorText } from "./error-text.js";
import { Failure } from "./failure.js";
import type { Context } from "./context.js";
import { readAll } from "./io.js";
import { parseExactJson, recordOf } from "./json.js";

/**
 * `k=v`, `k=@file`, `k=-` (stdin), `@file.json` and `-` (JSON on stdin) as one record. A key that comes again makes
 * a list. Values stay text: the server knows what they should be.
 */
export async function parseData(context: Context, words: readonly string[], failure = "Failed to parse K=V data"): Promise<Record<string, unknown>> {
  const data: Record<string, unknown> = {};
  let stdinTaken = false;
  const stdin = (): Promise<string> => {
    if (stdinTaken) throw new Error("stdin already consumed");
    stdinTaken = true;
    return context.flags.bool("non-interactive") ? Promise.resolve("") : readAll(context.io.stdin);
  };
  try {
    for (const word of words) {
      if (word === "-") merge(data, await parseObject(await stdin()));
      else if (word.startsWith("@")) merge(data, await parseObject(await readFile(word.slice(1), "utf8")));
      else await addPair(data, word, stdin);
    }
  } catch (error) {
    throw new Failure(`${failure}: ${errorText(error)}`, 1, { cause: error });
  }
  return data;
}

async function addPair(data: Record<string, unknown>, word: string, stdin: () => Promise<string>): Promise<void> {
  const at = word.indexOf("=");
  if (at < 0) throw new Error(`invalid key/value pair "${word}": format must be key=value`);
  const key = word.slice(0, at);
  let value = word.slice(at + 1);
  if (value === "-") value = await stdin();
  else if (value.startsWith("@")) value = await readValue(word, value.slice(1));
  else if (value.startsWith("\\@") || value === "\\-") value = value.slice(1);
  merge(data, { [key]: value });
}

async function readValue(word: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`invalid key/value pair "${word}": error reading file: ${errorText(cause)}`, { cause });
  }
}

async function parseObject(text: string): Promise<Record<string, unknown>> {
  const parsed = recordOf(await parseExactJson(text));
  if (parsed === undefined) throw new Error("the JSON is not an object");
  return parsed;
}

function merge(data: Record<string, unknown>, more: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(more)) {
    const before = Object.hasOwn(data, key) ? data[key] : undefined;
    const next = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    // defineProperty, because a key named __proto__ is a key like any other here.
    Object.defineProperty(data, key, { value: next, enumerable: true, configurable: true, writable: true });
  }
}

/** The same, for the query of a read or delete. */
export async function parseQuery(context: Context, words: readonly string[], failure?: string): Promise<Record<string, string | string[]>> {
  const data = await parseData(context, words, failure);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : String(value)]));
}

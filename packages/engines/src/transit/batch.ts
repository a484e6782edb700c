import { data, invalid, RequestError } from "@coffer/state-machine";
import type { EnvelopeResponse } from "@coffer/state-machine";

/** One thing to be done: an element of `batch_input`, or what the request itself says. Members as on the wire. */
export interface Item {
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly input?: string;
  readonly signature?: string;
  readonly hmac?: string;
  readonly context?: string;
  readonly nonce?: string;
  readonly associated_data?: string;
  readonly key_version?: number;
  readonly reference?: string;
}

export interface Batch {
  /** Whether the caller gave a `batch_input`, and hence gets `batch_results`. */
  readonly isBatch: boolean;
  readonly items: readonly Item[];
}

const TEXTS = ["plaintext", "ciphertext", "input", "signature", "hmac", "context", "nonce", "associated_data", "reference"] as const;

function parseItem(value: unknown, at: number): Item {
  const fail = (message: string) => invalid(`failed to parse batch input: [${at}]${message}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fail(" expected a map");
  const given = value as Readonly<Record<string, unknown>>;
  const item: Record<string, string | number> = {};
  for (const name of TEXTS) {
    const text = Object.hasOwn(given, name) ? given[name] : undefined;
    if (text === undefined || text === null) continue;
    if (typeof text !== "string") throw fail(`.${name} expected a string`);
    item[name] = text;
  }
  const version = Object.hasOwn(given, "key_version") ? given["key_version"] : undefined;
  if (version !== undefined && version !== null) {
    const number = typeof version === "string" && /^-?\d{1,9}$/.test(version) ? Number(version) : version;
    if (typeof number !== "number" || !Number.isSafeInteger(number)) throw fail(".key_version expected an integer");
    item["key_version"] = number;
  }
  return item;
}

/** Throws RequestError 400. `alone`: the item that the request is without a `batch_input`. */
export function batchOf(batchInput: unknown, alone: () => Item): Batch {
  if (batchInput === undefined || batchInput === null) return { isBatch: false, items: [alone()] };
  if (!Array.isArray(batchInput)) throw invalid("failed to parse batch input: source data must be an array or slice");
  if (batchInput.length === 0) throw invalid("missing batch input to process");
  return { isBatch: true, items: (batchInput as unknown[]).map(parseItem) };
}

/** Throws RequestError 400 unless all items have a context, or none. */
export function checkContexts({ items }: Batch): void {
  const has = (item: Item) => (item.context ?? "") !== "";
  if (items.some((item) => has(item) !== has(items[0]!))) throw invalid("context should be set either in all the request blocks or in none");
}

export type Outcome = { readonly ok: true; readonly value: Readonly<Record<string, unknown>> } | { readonly ok: false; readonly error: RequestError };

type Work = (item: Item) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

function failed(error: unknown): Outcome {
  if (error instanceof RequestError) return { ok: false, error };
  throw error;
}

function attempt(work: Work, item: Item): Outcome | Promise<Outcome> {
  try {
    const done = work(item);
    return done instanceof Promise ? done.then((value): Outcome => ({ ok: true, value }), failed) : { ok: true, value: done };
  } catch (error) {
    return failed(error);
  }
}

export interface AnswerOptions {
  /** What an item that failed has beside its error. */
  readonly onFailure?: Readonly<Record<string, unknown>>;
  /** Whether failures show in the status: 400, or `partialStatus` where some items succeeded. */
  readonly tellsStatus?: { readonly partialStatus: number | undefined };
  readonly warnings?: readonly string[];
}

/**
 * Does the work for each item. In a batch an item's error stands in its place among the results; alone it is thrown.
 * Synchronous as long as the work is.
 */
export function answerBatch(batch: Batch, work: Work, options: AnswerOptions = {}): EnvelopeResponse | Promise<EnvelopeResponse> {
  const outcomes = batch.items.map((item) => attempt(work, item));
  if (outcomes.some((outcome) => outcome instanceof Promise)) return Promise.all(outcomes).then((done) => answer(batch, done, options));
  return answer(batch, outcomes as Outcome[], options);
}

const LEAST_STATUS = 200;
const MOST_STATUS = 599;

function answer({ isBatch, items }: Batch, outcomes: readonly Outcome[], { onFailure = {}, tellsStatus, warnings = [] }: AnswerOptions): EnvelopeResponse {
  if (!isBatch) {
    const [only] = outcomes;
    if (!only!.ok) throw only!.error;
    return data(only!.value, { warnings });
  }
  const results = outcomes.map((outcome, at) => ({ ...(outcome.ok ? outcome.value : { ...onFailure, error: outcome.error.messages.join("; ") }), reference: items[at]!.reference ?? "" }));
  const failures = outcomes.filter(({ ok }) => !ok).length;
  if (!tellsStatus || failures === 0) return data({ batch_results: results }, { warnings });
  const { partialStatus } = tellsStatus;
  if (partialStatus === undefined || failures === outcomes.length) return data({ batch_results: results }, { warnings, status: 400 });
  if (partialStatus >= LEAST_STATUS && partialStatus <= MOST_STATUS) return data({ batch_results: results }, { warnings, status: partialStatus });
  return data({ batch_results: results }, { warnings: [...warnings, "invalid HTTP response code override from partial_failure_response_code, reverting to 400"], status: 400 });
}

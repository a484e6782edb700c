import { LosslessNumber, parse as losslessParse, stringify as losslessStringify } from "lossless-json";
import { invalid } from "../errors.js";
import type { Codec } from "./storage.js";

/**
 * JSON of users. Numbers that a double cannot hold (beyond 2^53, long fractions) keep their digits: they travel as
 * LosslessNumber. Everything else is what JSON.parse gives.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper documents are refused (CVE-2025-6203: parsing cost by nesting). */
const MAX_DEPTH = 300;
/** A number that might not survive as a double: sixteen digits or more, or a long exponent. Matches in a text behind a comma or a space too; that only costs speed. */
const MAYBE_LOSSY = /(?:^|[[:,\s])-?(?:\d{16}|[\d.]{17}|[\d.]+[eE][-+]?\d{3})/;

export function isLosslessNumber(value: unknown): value is LosslessNumber {
  return value instanceof LosslessNumber;
}

export function isPlainObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

function toNumber(text: string): number | LosslessNumber {
  const number = Number(text);
  return String(number) === text || (Number.isSafeInteger(number) && /^-?\d{1,15}$/.test(text)) ? number : new LosslessNumber(text);
}

function checkDepth(text: string): void {
  if (text.length < MAX_DEPTH * 2) return;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) throw invalid(`JSON input is nested deeper than ${MAX_DEPTH} levels`);
    } else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
}

/** Throws RequestError 400 for anything but JSON. */
export function parseDocument(text: string): unknown {
  checkDepth(text);
  try {
    return MAYBE_LOSSY.test(text) ? losslessParse(text, undefined, { parseNumber: toNumber }) : JSON.parse(text);
  } catch {
    throw invalid("failed to parse JSON input: the body is not valid JSON");
  }
}

export function stringifyDocument(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('"isLosslessNumber":true') ? losslessStringify(value)! : text;
}

const decoder = new TextDecoder();

/** Stores what users wrote, digits and all. */
export function documentCodec<T>(): Codec<T> {
  return {
    encode: (value) => Buffer.from(stringifyDocument(value)),
    decode: (bytes) => parseDocument(decoder.decode(bytes)) as T,
  };
}

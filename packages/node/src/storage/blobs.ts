import { createHash } from "node:crypto";
import { StateFormatError } from "@coffer/state-machine";
import type { ObjectStore } from "./object-store.js";

/**
 * Bytes of any length under one name, written as a whole: one object, or parts and then the object that makes them count. Each
 * carries the SHA-256 of the whole, so that damage shows.
 */

const WHOLE = 0;
const PARTS = 1;
const DIGEST_BYTES = 32;
const HEAD_BYTES = 1 + DIGEST_BYTES;
/** Stands between a blob's name and its parts'. */
export const PART_MARK = "~";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** `writer` is in the names of parts: those of another process are never mixed in. */
export async function putBlob(store: ObjectStore, name: string, bytes: Uint8Array, writer: string): Promise<void> {
  const room = store.maxBytes - HEAD_BYTES;
  const head = (kind: number, rest: Uint8Array) => Buffer.concat([Buffer.from([kind]), sha256(bytes), rest]);
  if (bytes.length <= room) return store.put(name, head(WHOLE, bytes));
  const names: string[] = [];
  for (let from = 0; from < bytes.length; from += store.maxBytes) {
    const part = `${name}${PART_MARK}${writer}-${names.length}`;
    await store.put(part, bytes.subarray(from, from + store.maxBytes));
    names.push(part);
  }
  await store.put(name, head(PARTS, Buffer.from(JSON.stringify(names))));
}

/** Undefined where there is none. Rejects with StateFormatError for one that is damaged. */
export async function getBlob(store: ObjectStore, name: string): Promise<Uint8Array | undefined> {
  const object = await store.get(name);
  if (!object) return undefined;
  const damaged = () => new StateFormatError(`the object ${name} is damaged`);
  if (object.length < HEAD_BYTES) throw damaged();
  const rest = object.subarray(HEAD_BYTES);
  const bytes = object[0] === WHOLE ? rest : object[0] === PARTS ? await joined(store, rest) : undefined;
  if (!bytes || !sha256(bytes).equals(object.subarray(1, HEAD_BYTES))) throw damaged();
  return bytes;
}

async function joined(store: ObjectStore, list: Uint8Array): Promise<Uint8Array | undefined> {
  let names: unknown;
  try {
    names = JSON.parse(Buffer.from(list).toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return undefined;
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const part = await store.get(name);
    if (!part) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

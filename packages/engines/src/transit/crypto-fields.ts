import { field, invalid } from "@coffer/state-machine";
import type { Field, ReadStorage } from "@coffer/state-machine";
import type { Item } from "./batch.js";
import { decodeBase64 } from "./base64.js";
import type { EncryptionOptions } from "./encryption.js";
import { getKey } from "./storage.js";
import type { Key } from "./storage.js";

/** Fields that several paths share. */
export const NAME = field.name({ description: "Name of the key.", required: true });
export const CONTEXT = field.string({ description: "Context to derive the key for, in base64. Required by derived keys.", default: "" });
export const KEY_VERSION = field.int({ description: "Version of the key to use: 0 for the latest, else no less than the key's min_encryption_version.", default: 0 });
export const ASSOCIATED_DATA = field.string({ description: "Data that is authenticated but not encrypted, in base64; decryption takes the same.", default: "" });
export const NONCE = field.string({ description: "Not allowed: every ciphertext has its own nonce.", default: "", deprecated: true });
export const BATCH_INPUT = field.any({ description: "Many items in one request, each a map of what the request would be given for it alone. Results come in the same order.", sensitive: true });
export const PARTIAL_FAILURE = field.int({ description: "Status of an answer in which some items failed and others did not, instead of 400." });

/** Throws RequestError 400. `what`: "encryption key". */
export function requireKey(storage: ReadStorage, name: string, what: string): Key {
  const key = getKey(storage, name);
  if (!key) throw invalid(`${what} not found`);
  return key;
}

const EMPTY = Buffer.alloc(0);

/** Throws RequestError 400. */
export function optionsOf({ context = "", associated_data: associatedData = "", nonce = "" }: Item): EncryptionOptions {
  if (nonce !== "") throw invalid("provided nonce not allowed for this key");
  return { context: context === "" ? EMPTY : decodeBase64(context), associatedData: associatedData === "" ? EMPTY : decodeBase64(associatedData) };
}

/** A field that may stand in the path: of the path that has it there it is a parameter, elsewhere it may be absent. */
export function inPathOrNot(template: string, name: string, description: string): Field<string> {
  return template.includes(`{${name}}`) ? field.string({ description, required: true }) : field.string({ description, default: "" });
}

export const hashInPath = (template: string): Field<string> => inPathOrNot(template, "urlalgorithm", "Hash algorithm, in the path.");

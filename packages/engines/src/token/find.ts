import { denied, findByAccessor, findToken, invalid, tokenId } from "@coffer/state-machine";
import type { Caller, Environment, ReadStorage, TokenEntry } from "@coffer/state-machine";

/** Tokens as requests name them. Storage is that of auth/token: `core/`. */
export function findByText(storage: ReadStorage, text: string, env: Environment): TokenEntry | undefined {
  return findToken(storage, tokenId(storage, text), env);
}

/** Throws RequestError 400, in words that clients look for. */
export function byAccessor(storage: ReadStorage, accessor: string, env: Environment): TokenEntry {
  const entry = findByAccessor(storage, accessor, env);
  if (!entry) throw invalid("1 error occurred:\n\t* invalid accessor\n\n");
  return entry;
}

/** The calling token's own entry. */
export function ownEntry(storage: ReadStorage, caller: Caller | undefined, env: Environment): TokenEntry {
  const entry = caller && findToken(storage, caller.tokenId, env);
  if (!entry) throw denied();
  return entry;
}

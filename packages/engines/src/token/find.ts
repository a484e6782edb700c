import { denied, findByAccessor, findTokenByText, invalid } from "@coffer/state-machine";
import type { EngineRequest, Environment, ReadStorage, TokenEntry } from "@coffer/state-machine";

/** Tokens as requests name them. Storage is that of auth/token: `core/`. Throws RequestError 400, in words that clients look for. */
export function byAccessor(storage: ReadStorage, accessor: string, env: Environment): TokenEntry {
  const entry = findByAccessor(storage, accessor, env);
  if (!entry) throw invalid("1 error occurred:\n\t* invalid accessor\n\n");
  return entry;
}

/** The calling token's own entry. */
export function ownEntry(storage: ReadStorage, { caller, ownToken }: Pick<EngineRequest<unknown>, "caller" | "ownToken">, env: Environment): TokenEntry {
  const entry = caller && ownToken !== undefined ? findTokenByText(storage, ownToken, env) : undefined;
  if (!entry) throw denied();
  return entry;
}

import type { Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { invalid } from "@coffer/state-machine";
import { deleteFlow, FLOW_FOLDER, getFlow } from "./storage.js";
import type { Flow } from "./storage.js";

/** How long somebody may take at the provider. */
export const FLOW_TTL_MS = 300_000;
export const FAILED = "Vault login failed.";

const STATE = /^st_[a-z0-9]+$/;
const TIME_DIGITS = 9;

type Begun = Omit<Flow, "expiresAt" | "nonce" | "codeVerifier">;

export function newFlow(begun: Begun, { now, randomBytes }: Environment): { readonly state: string; readonly flow: Flow } {
  const expiresAt = now() + FLOW_TTL_MS;
  const secret = (length: number, encoding: BufferEncoding) => Buffer.from(randomBytes(length)).toString(encoding);
  // States sort by when they end, so that those that are over are the first of a list.
  const state = `st_${expiresAt.toString(36).padStart(TIME_DIGITS, "0")}${secret(20, "hex")}`;
  return { state, flow: { ...begun, expiresAt, nonce: `n_${secret(20, "hex")}`, codeVerifier: secret(32, "base64url") } };
}

/** The state without the namespace that was put into it, which is the client's concern. */
export const bareState = (state: string): string => state.split(",ns=")[0]!;

/** The login that a state belongs to, be it over by now. */
export const findFlow = (storage: ReadStorage, state: string): Flow | undefined => (STATE.test(state) ? getFlow(storage, state) : undefined);

/** The login that a state belongs to. Throws RequestError 400. */
export function flowOf(storage: ReadStorage, state: string, { now }: Environment): Flow {
  const flow = findFlow(storage, state);
  if (!flow || flow.expiresAt <= now()) throw invalid(`${FAILED} Expired or missing OAuth state.`);
  return flow;
}

const SLICE = 100;

/** Forgets logins that nobody ended. */
export async function forgetExpired(storage: WriteStorage, { now }: Environment): Promise<boolean> {
  const oldest = await storage.list(FLOW_FOLDER, { limit: SLICE });
  const over = oldest.filter((state) => Number.parseInt(state.slice("st_".length, "st_".length + TIME_DIGITS), 36) <= now());
  for (const state of over) deleteFlow(storage, state);
  return over.length === SLICE;
}

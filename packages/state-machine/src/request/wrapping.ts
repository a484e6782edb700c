import type { Environment } from "../framework/engine.js";
import { data } from "../framework/response.js";
import type { EnvelopeResponse } from "../framework/response.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { createToken, findToken, tokenId } from "../tokens/index.js";
import type { TokenEntry } from "../tokens/index.js";
import type { ApiRequest } from "./api.js";
import type { WrapInfo } from "./envelope.js";

/**
 * Response wrapping: the whole answer is put away under a new single-use token. Keys below `core/`:
 * `wrapping/<token id>`; it goes with its token.
 */
export interface WrappedResponse {
  /** The envelope, as text, that the wrapped request would have got. */
  readonly text: string;
  readonly creationPath: string;
  /** RFC 3339. */
  readonly creationTime: string;
  readonly ttl: number;
  readonly wrappedAccessor: string;
}

const codec = jsonCodec<WrappedResponse>();
const key = (id: string) => `wrapping/${id}`;

export function wrapResponse(storage: WriteStorage, wrapped: { readonly text: string; readonly path: string; readonly ttl: number; readonly wrappedAccessor: string }, env: Environment): WrapInfo {
  const { text, entry } = createToken(storage, { parent: "", policies: ["response-wrapping"], path: wrapped.path, displayName: "", numUses: 1, ttl: wrapped.ttl, explicitMaxTtl: wrapped.ttl, renewable: false }, env);
  const creationTime = new Date(env.now()).toISOString();
  storage.put(key(entry.id), codec, { text: wrapped.text, creationPath: wrapped.path, creationTime, ttl: wrapped.ttl, wrappedAccessor: wrapped.wrappedAccessor });
  return { token: text, accessor: entry.accessor, ttl: wrapped.ttl, creation_time: creationTime, creation_path: wrapped.path, ...(wrapped.wrappedAccessor !== "" && { wrapped_accessor: wrapped.wrappedAccessor }) };
}

/**
 * What a wrapping token finds at cubbyhole/response, the older way to unwrap; undefined for any other request. Reading it is the
 * token's only use.
 */
export function cubbyholeResponse(storage: ReadStorage, token: TokenEntry, { operation, path }: Pick<ApiRequest, "operation" | "path">, env: Environment): EnvelopeResponse | undefined {
  if (path !== "cubbyhole/response" || operation !== "read") return undefined;
  const found = findWrapped(storage, { tokenId: token.id }, env);
  return found && data({ response: found.wrapped.text.trimEnd() }, { warnings: [DEPRECATED] });
}

const DEPRECATED = "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it provides additional security checks and other benefits.";

/** The wrapped response of a token that is still good, by its text or by its storage id. */
export function findWrapped(storage: ReadStorage, by: { readonly token: string } | { readonly tokenId: string }, env: Environment): { readonly id: string; readonly wrapped: WrappedResponse } | undefined {
  const id = "token" in by ? tokenId(storage, by.token) : by.tokenId;
  const token = findToken(storage, id, env);
  const wrapped = token?.policies[0] === "response-wrapping" ? storage.get(key(id), codec) : undefined;
  return wrapped && { id, wrapped };
}

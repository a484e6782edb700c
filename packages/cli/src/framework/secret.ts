import { ApiError, type Client, type Method, type RequestOptions } from "@coffer/client";
import { parseExactJson, recordOf } from "./json.js";

/** An answer as commands print it. `data` is undefined where the server sent null. */
export type Secret = {
  readonly requestId: string;
  readonly leaseId: string;
  readonly leaseDuration: number;
  readonly renewable: boolean;
  readonly data: Record<string, unknown> | undefined;
  readonly warnings: readonly string[];
  readonly auth: Record<string, unknown> | undefined;
  readonly wrapInfo: Record<string, unknown> | undefined;
};

/** An answer's text as a secret; undefined for no content. */
export async function parseSecret(text: string): Promise<Secret | undefined> {
  if (text.trim() === "") return undefined;
  const body = recordOf(await parseExactJson(text));
  if (body === undefined) return undefined;
  const secret: Secret = {
    requestId: typeof body["request_id"] === "string" ? body["request_id"] : "",
    leaseId: typeof body["lease_id"] === "string" ? body["lease_id"] : "",
    leaseDuration: Number(body["lease_duration"] ?? 0),
    renewable: body["renewable"] === true,
    data: recordOf(body["data"]),
    warnings: Array.isArray(body["warnings"]) ? body["warnings"].map(String) : [],
    auth: recordOf(body["auth"]),
    wrapInfo: recordOf(body["wrap_info"]),
  };
  const bare = secret.requestId === "" && secret.leaseId === "" && secret.data === undefined && secret.auth === undefined && secret.wrapInfo === undefined && secret.warnings.length === 0;
  // sys/health and its like answer without an envelope: then all of it is the data.
  return bare ? (Object.keys(body).some((key) => key !== "errors") ? { ...secret, data: body } : undefined) : secret;
}

export async function call(client: Client, method: Method, path: string, options?: RequestOptions): Promise<Secret | undefined> {
  return parseSecret((await client.send(method, path, options)).text);
}

/** As call, but a miss is undefined, and a miss that carries data or warnings (a deleted version) is an answer. */
export async function callOrMiss(client: Client, method: Method, path: string, options?: RequestOptions): Promise<Secret | undefined> {
  try {
    return await call(client, method, path, options);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const secret = await parseSecret(error.text).catch(() => undefined);
    return secret !== undefined && (secret.warnings.length > 0 || secret.data !== undefined) ? secret : undefined;
  }
}

import { invalid, RequestError } from "@coffer/state-machine";

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The code that AWS gave, `NoSuchEntity` say; undefined where it was not AWS that refused. */
export function awsErrorCode(error: unknown): string | undefined {
  if (!isRecord(error) || !isRecord(error["$metadata"]) || error["$metadata"]["httpStatusCode"] === undefined) return undefined;
  return String(error["name"]).replace(/Exception$/, "");
}

const NOT_FOUND = new Set(["NoSuchEntity", "NoSuchEntityException", "NotFound"]);
export const isNotFound = (error: unknown): boolean => NOT_FOUND.has(awsErrorCode(error) ?? "");

const RATE_LIMITS = new Set(["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "LimitExceeded"]);

/**
 * What a failed call to AWS answers: 400 where AWS refused, as in Vault; 502 where it could not be reached, or asked us to
 * slow down. AWS's own text says who may not do what; it holds no secret.
 */
export function awsFailure(what: string, error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const code = awsErrorCode(error);
  const text = `${what}: ${code !== undefined ? `${code}: ` : ""}${error instanceof Error ? error.message || error.name : "unknown error"}`;
  return code === undefined || RATE_LIMITS.has(code) ? new RequestError("upstream_failed", text) : invalid(text);
}

/** `work`, with what AWS refuses told as `awsFailure` does. */
export async function attempt<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw awsFailure(what, error);
  }
}

/** True unless what was to be removed was gone already. */
export async function unlessGone(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

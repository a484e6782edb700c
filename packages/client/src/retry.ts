/** Nothing was sent, so trying again cannot do anything twice. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
const LOST_ON_THE_WAY = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED", "UND_ERR_SOCKET"]);
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

/** The Go SDK's rule: 429 (quota), 412 (this node is behind), and server errors except 501 (not initialised). */
export function retryStatus(status: number): boolean {
  return status === 429 || status === 412 || (status >= 500 && status !== 501);
}

export function retryConnection(method: string, code: string): boolean {
  return NEVER_SENT.has(code) || (LOST_ON_THE_WAY.has(code) && IDEMPOTENT.has(method));
}

/** Milliseconds to wait: what the server asked for, else a jittered step that grows with each attempt. */
export function retryWaitMs(attempt: number, retryAfter: string | undefined, range: { minMs: number; maxMs: number }): number {
  if (retryAfter !== undefined && /^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const spread = Math.max(0, range.maxMs - range.minMs);
  return (range.minMs + Math.random() * spread) * attempt;
}

/**
 * A handler may be evaluated again (a conflict, a view that moved), and a key share must not be taken twice: the second
 * evaluation of a request gets what the first one got.
 */
export interface OncePerRequest {
  <T>(requestId: string, run: () => Promise<T>): Promise<T>;
}

/** A request is evaluated again within moments; what it got may be shares, and is not kept longer. Milliseconds. */
const KEPT_MS = 30_000;

export function createOncePerRequest(): OncePerRequest {
  const running = new Map<string, Promise<unknown>>();
  return <T>(requestId: string, run: () => Promise<T>): Promise<T> => {
    const known = running.get(requestId);
    if (known) return known as Promise<T>;
    const begun = run();
    running.set(requestId, begun);
    const forget = () => void setTimeout(() => running.delete(requestId), KEPT_MS).unref();
    begun.then(forget, forget);
    return begun;
  };
}

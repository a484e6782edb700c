/**
 * A handler may be evaluated again (a conflict, a view that moved), and a key share must not be taken twice: the second
 * evaluation of a request gets what the first one got.
 */
export interface OncePerRequest {
  <T>(requestId: string, run: () => Promise<T>): Promise<T>;
}

/** Only requests under way need it, and few of this kind are. */
const REMEMBERED = 8;

export function createOncePerRequest(): OncePerRequest {
  const running = new Map<string, Promise<unknown>>();
  return <T>(requestId: string, run: () => Promise<T>): Promise<T> => {
    const known = running.get(requestId);
    if (known) return known as Promise<T>;
    const begun = run();
    running.set(requestId, begun);
    if (running.size > REMEMBERED) running.delete(running.keys().next().value!);
    return begun;
  };
}

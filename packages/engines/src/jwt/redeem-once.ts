/** Longer than a request may take, with a second factor that is waited for. Milliseconds. */
const KEPT_MS = 120_000;

const redeemed = new Map<string, Promise<unknown>>();

/**
 * What came of a code of a provider. It is good once, but a request may be evaluated again (after a conflict, or when its second
 * factor was asked for), or come twice: each judges what the first one got, and one is committed. `login` is unguessable, and of
 * one login.
 */
export function redeemOnce<T>(login: string, redeem: () => Promise<T>): Promise<T> {
  const known = redeemed.get(login) as Promise<T> | undefined;
  if (known) return known;
  const begun = redeem();
  redeemed.set(login, begun);
  // Another try may have taken its place by then.
  const later = () => void setTimeout(() => redeemed.get(login) === begun && redeemed.delete(login), KEPT_MS).unref();
  begun.then(later, later);
  return begun;
}

/** Nothing came of it yet, and it may be tried again. */
export function redeemAgain(login: string): void {
  redeemed.delete(login);
}

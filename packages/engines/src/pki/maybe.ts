/** Now where it can be had now: keys and signatures on elliptic curves cost less than a turn of the event loop. */
export type Maybe<T> = T | Promise<T>;

export function then<A, B>(value: Maybe<A>, next: (value: A) => Maybe<B>): Maybe<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Goes on with a value now, or when its promise is there: the hot path stays free of promises. */
export function then<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

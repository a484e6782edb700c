/**
 * Field kinds: how one input of a path is parsed, described and hidden. Each has ONE parse function, from unknown JSON (or a
 * query string) to a typed value; coercions follow Vault's framework (numbers as strings, comma lists, k=v lists).
 */

export interface FieldOptions {
  readonly description: string;
  readonly required?: boolean;
  readonly deprecated?: boolean;
  /** Shown as a password field, HMACed in audit even where a mount exempts other keys. */
  readonly sensitive?: boolean;
  /** Read only from the query string of the URL, in OpenAPI's terms. */
  readonly query?: boolean;
  readonly allowed?: readonly (string | number)[];
}

export type ParseResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export interface FieldKind<T> {
  readonly name: string;
  readonly parse: (value: unknown) => ParseResult<T>;
  /** The fragment of the OpenAPI schema: {type, format?, items?}. */
  readonly openapi: Readonly<Record<string, unknown>>;
}

/** `Input` is what a handler sees: `T` with a default or when required, else `T | undefined` (undefined: not given). */
export interface Field<Input> extends FieldOptions {
  readonly kind: FieldKind<unknown>;
  readonly default?: unknown;
  /** Type-level only. */
  readonly _input?: Input;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type InputOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

type Declare<T> = {
  (options: FieldOptions & { readonly default: T }): Field<T>;
  (options: FieldOptions & { readonly required: true }): Field<T>;
  (options: FieldOptions): Field<T | undefined>;
};

export function declare<T>(kind: FieldKind<T>): Declare<T> {
  const make = (options: FieldOptions & { default?: T }) => ({ ...options, kind });
  return make as unknown as Declare<T>;
}

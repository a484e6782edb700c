import type { Field, PathDeclaration, TemplateParameters } from "../framework/index.js";
import { definePath } from "../framework/index.js";
import type { SystemServices } from "./services.js";

export type SystemPath = PathDeclaration<any, SystemServices>; // eslint-disable-line @typescript-eslint/no-explicit-any -- erased, as in the framework's AnyPath

type Complete<T extends string, F> = [Exclude<TemplateParameters<T>, keyof F>] extends [never] ? unknown : { readonly "template parameter without a field": Exclude<TemplateParameters<T>, keyof F> };

/** `definePath` with the services of sys/ settled, so that handlers see their mount typed without saying so. */
export function systemPath<const T extends string, F extends Record<string, Field<unknown>>>(
  declaration: PathDeclaration<F, SystemServices> & { readonly template: T } & Complete<T, F>,
): SystemPath {
  return definePath<string, F, SystemServices>(declaration as never);
}

/** Adds the `/` a mount or device path ends in. */
export function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

import { audiencesOf } from "../web-tokens/expected.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";

/** Whom a service account token speaks of. */
export interface ServiceAccount {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Of a token that lives in a secret (before Kubernetes 1.24). */
  readonly secretName: string;
  readonly audiences: readonly string[];
}

const PREFIX = "kubernetes.io/serviceaccount/";

/** Of the claims of a bound token (`kubernetes.io`), or of one that lives in a secret. Throws TokenRefused. */
export function serviceAccountOf(claims: Claims): ServiceAccount {
  const bound = objectAt(claims, "kubernetes.io");
  const account = bound && objectAt(bound, "serviceaccount");
  const old = (name: string) => textAt(claims, PREFIX + name);
  return {
    name: account ? textAt(account, "name") : old("service-account.name"),
    namespace: bound ? textAt(bound, "namespace") : old("namespace"),
    uid: account ? textAt(account, "uid") : old("service-account.uid"),
    secretName: old("secret.name"),
    audiences: audiencesOf(claims),
  };
}

function objectAt(of: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> | undefined {
  const value = Object.hasOwn(of, name) ? of[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw new TokenRefused(`claim ${JSON.stringify(name)} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function textAt(of: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(of, name) ? of[name] : undefined;
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new TokenRefused(`claim ${JSON.stringify(name)} is not a string`);
  return value;
}

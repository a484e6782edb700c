import { invalid } from "@coffer/state-machine";

/** What an issuer may be set to: scheme, host and port, nothing more. Throws RequestError 400. */
export function requireOrigin(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && ["http:", "https:"].includes(url.protocol) && [url.origin, `${url.origin}/`].includes(text.toLowerCase());
  if (!isOrigin) throw invalid("invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)");
}

export const ISSUER_WARNING =
  'If "issuer" is set explicitly, all tokens must be validated against that address. Setting issuer to "" will restore the default behavior of using the cluster\'s api_addr as the issuer.';

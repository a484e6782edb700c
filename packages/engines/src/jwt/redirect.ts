const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Whether browsers may be sent back to this address. That of a loopback listener may have any port (RFC 8252, section 7.3). */
export function isAllowedRedirect(uri: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(uri)) return false;
  if (!LOOPBACK.includes(new URL(uri).hostname)) return allowed.includes(uri);
  return allowed.some((one) => URL.canParse(one) && withoutPort(one) === withoutPort(uri));
}

function withoutPort(uri: string): string {
  const url = new URL(uri);
  url.port = "";
  return url.href;
}

/** A redirect URI without its namespace, and the namespace that was in it. */
export function splitNamespace(uri: string): { readonly uri: string; readonly namespace: string } {
  if (!URL.canParse(uri)) return { uri, namespace: "" };
  const url = new URL(uri);
  const namespace = url.searchParams.get("namespace") ?? "";
  if (namespace === "") return { uri, namespace };
  url.searchParams.delete("namespace");
  return { uri: url.href, namespace };
}

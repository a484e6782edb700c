import type { Flow } from "./storage.js";

/** The few pages that a browser sees which comes to the server itself. No script, nothing from elsewhere, no way into a frame. */
export const HTML = "text/html; charset=utf-8";
export const HTML_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
});

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => ESCAPES[one]!);

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font: 16px system-ui; margin: 4em auto; max-width: 30em"><h1>${title}</h1>${body}</body></html>\n`;

export const donePage = (): string => page("Signed in", "<p>You can close this window and go back to where you began.</p>");
export const failedPage = (why: string): string => page("Not signed in", `<p>${escaped(why)}</p>`);

/** Whoever sent the user the link would otherwise be logged in as them (RFC 8628, section 5.4). */
export function confirmPage({ role, requester }: Flow, { state, code }: { readonly state: string; readonly code: string }): string {
  const hidden = Object.entries({ state, code, confirmation: "yes" }).map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`);
  return page(
    "Is this your login?",
    `<p>Somebody at the address <b>${escaped(requester)}</b> asks to be signed in as you, with the role <b>${escaped(role)}</b>.</p><p>Go on only if that is you, and you have begun it just now. Otherwise close this window.</p><form method="get">${hidden.join("")}<button>Yes, sign me in there</button></form>`,
  );
}

/** Leads on to where the login ends: the UI's page, with the state, and no more of what was posted. */
export function postedPage(mountPath: string, state: string, code: string, error: string): string {
  const query = new URLSearchParams({ state, ...(error === "" ? { code } : { error }) });
  const target = `/ui/vault/${mountPath.replace(/\/+$/, "")}/oidc/callback?${query}`;
  return page("Almost signed in", `<meta http-equiv="refresh" content="0; url=${escaped(target)}"><p><a href="${escaped(target)}">Go on</a></p>`);
}

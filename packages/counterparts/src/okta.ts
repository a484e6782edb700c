import type { ServerCertificate } from "./account.js";
import { startTlsService } from "./tls-service.js";
import type { ServedAnswer, TlsService } from "./tls-service.js";

/** What becomes of a push to the user's Okta Verify; `none`: they have no such factor. */
export type OktaUser = "SUCCESS" | "REJECTED" | "TIMEOUT" | "never" | "none";

export interface OktaOptions {
  readonly apiToken: string;
  /** By login. */
  readonly users: Readonly<Record<string, OktaUser>>;
  /** In place of its own name, in the link to the push's state. */
  readonly pollOrigin?: string;
}

/** Okta's API of users and their factors, with the shapes of its reference (https://developer.okta.com/docs/api/). */
export function startOkta(tls: ServerCertificate, { apiToken, users, pollOrigin }: OktaOptions): Promise<TlsService> {
  const json = (body: unknown, status = 200): ServedAnswer => ({ status, body: JSON.stringify(body) });
  const missing = () => json({ errorCode: "E0000007", errorSummary: "Not found: Resource not found (UserFactor)", errorLink: "E0000007", errorId: "oae", errorCauses: [] }, 404);
  let polled = 0;
  return startTlsService(tls, ({ method, path, query, headers }) => {
    if (headers.authorization !== `SSWS ${apiToken}`) return json({ errorCode: "E0000011", errorSummary: "Invalid token provided", errorLink: "E0000011", errorId: "oae", errorCauses: [] }, 401);
    if (method === "GET" && path === "/api/v1/users") {
      const login = /^profile\.(?:login|email) eq "(.*)"$/.exec(new URLSearchParams(query).get("filter") ?? "")?.[1] ?? "";
      return json(Object.hasOwn(users, login) ? [{ id: `00u-${login}`, status: "ACTIVE", profile: { login, email: login } }] : []);
    }
    const [, login = "", rest = ""] = /^\/api\/v1\/users\/00u-([^/]+)\/factors(.*)$/.exec(decodeURIComponent(path)) ?? [];
    const user = users[login];
    if (user === undefined) return missing();
    if (method === "GET" && rest === "") {
      const sms = { id: "sms1", factorType: "sms", provider: "OKTA", status: "ACTIVE" };
      return json(user === "none" ? [sms] : [sms, { id: "opf1", factorType: "push", provider: "OKTA", vendorName: "OKTA", status: "ACTIVE", profile: { platform: "IOS" } }]);
    }
    if (method === "POST" && rest === "/opf1/verify") {
      const href = `${pollOrigin ?? `https://${headers.host}`}/api/v1/users/${encodeURIComponent(`00u-${login}`)}/factors/opf1/transactions/v2mst.1`;
      return json({ factorResult: "WAITING", profile: { platform: "IOS" }, _links: { poll: { href, hints: { allow: ["GET"] } }, cancel: { href, hints: { allow: ["DELETE"] } } } });
    }
    if (method === "GET" && rest === "/opf1/transactions/v2mst.1") {
      polled += 1;
      return json({ factorResult: user === "never" || polled === 1 ? "WAITING" : user });
    }
    return missing();
  });
}

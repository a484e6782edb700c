import { createHmac, timingSafeEqual } from "node:crypto";
import type { ServerCertificate } from "./account.js";
import { startTlsService } from "./tls-service.js";
import type { ServedAnswer, ServedRequest, TlsService } from "./tls-service.js";

/** What Duo does with a user: by preauth alone, or once they are asked. */
export type DuoUser = "allow" | "deny" | "enroll" | { readonly push: "allow" | "deny" | "never"; readonly passcodes: readonly string[] };

export interface DuoOptions {
  readonly integrationKey: string;
  readonly secretKey: string;
  readonly users: Readonly<Record<string, DuoUser>>;
}

/**
 * Duo's Auth API with the shapes of its reference (https://duo.com/docs/authapi): requests are signed by HMAC-SHA512 over date,
 * method, host, path and sorted parameters; a date is good for five minutes; passcodes are good once.
 */
export function startDuo(tls: ServerCertificate, { integrationKey, secretKey, users }: DuoOptions): Promise<TlsService> {
  const pending = new Map<string, { readonly outcome: "allow" | "deny" | "waiting"; asked: number }>();
  const used = new Set<string>();
  const ok = (response: unknown): ServedAnswer => ({ body: JSON.stringify({ stat: "OK", response }) });
  const fail = (status: number, code: number, message: string): ServedAnswer => ({ status, body: JSON.stringify({ stat: "FAIL", code, message }) });

  function isSigned({ method, path, query, body, headers }: ServedRequest): boolean {
    const [id, signature = ""] = Buffer.from((headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString().split(":");
    const { date = "", host = "" } = headers;
    if (id !== integrationKey || Math.abs(Date.parse(date) - Date.now()) > 300_000) return false;
    const parameters = (method === "GET" ? query : body).split("&").sort().join("&");
    const expected = createHmac("sha512", secretKey).update([date, method, host.toLowerCase(), path, parameters].join("\n")).digest("hex");
    return expected.length === signature.length && timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
  }

  function preauth(user: DuoUser | undefined): ServedAnswer {
    if (user === undefined || user === "enroll") return ok({ result: "enroll", status_msg: "Enroll an authentication device to proceed", enroll_portal_url: "https://api.example/portal?code=1" });
    if (user === "allow") return ok({ result: "allow", status_msg: "Account is active" });
    if (user === "deny") return ok({ result: "deny", status_msg: "Account is disabled" });
    return ok({ result: "auth", status_msg: "Account is active", devices: [{ device: "DPFZRS9FB0D46QFTM891", type: "phone", name: "", capabilities: ["auto", "push", "mobile_otp"] }] });
  }

  function auth(parameters: URLSearchParams): ServedAnswer {
    const user = users[parameters.get("username") ?? ""];
    if (typeof user !== "object") return fail(400, 40002, "Invalid request parameters");
    const passcode = parameters.get("passcode") ?? "";
    const outcome = parameters.get("factor") === "passcode" ? (user.passcodes.includes(passcode) && !used.has(passcode) ? "allow" : "deny") : user.push === "never" ? "waiting" : user.push;
    used.add(passcode);
    const txid = `45f7c92b-f45f-4862-8545-e0f58e78075${pending.size}`;
    pending.set(txid, { outcome, asked: 0 });
    return ok({ txid });
  }

  function status(txid: string): ServedAnswer {
    const transaction = pending.get(txid);
    if (!transaction) return fail(400, 40002, "Invalid request parameters");
    transaction.asked += 1;
    // The first news of a push is that it was sent.
    if (transaction.outcome === "waiting" || transaction.asked === 1) return ok({ result: "waiting", status: "pushed", status_msg: "Pushed a login request to your phone..." });
    return transaction.outcome === "allow" ? ok({ result: "allow", status: "allow", status_msg: "Success. Logging you in..." }) : ok({ result: "deny", status: "deny", status_msg: "Login request denied." });
  }

  return startTlsService(tls, (request) => {
    if (!isSigned(request)) return fail(401, 40103, "Invalid signature in request credentials");
    const parameters = new URLSearchParams(request.method === "GET" ? request.query : request.body);
    switch (`${request.method} ${request.path}`) {
      case "POST /auth/v2/preauth":
        return preauth(users[parameters.get("username") ?? ""]);
      case "POST /auth/v2/auth":
        return auth(parameters);
      case "GET /auth/v2/auth_status":
        return status(parameters.get("txid") ?? "");
      default:
        return fail(404, 40401, "Resource not found");
    }
  });
}

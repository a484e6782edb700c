import { oktaHost } from "@coffer/state-machine";
import type { FactorQuestion, OktaConfig } from "@coffer/state-machine";
import { outgoing } from "../outgoing/request.js";
import { isOver, timeLeft } from "./ask.js";
import type { Asking } from "./ask.js";

/** Okta Verify's push by the Factors API (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/). */
const POLL_MS = 1_000;

async function call(config: OktaConfig, asking: Asking, method: "GET" | "POST", url: string): Promise<unknown> {
  const { status, text } = await outgoing({
    url, method, ca: asking.ca, timeoutMs: timeLeft(asking),
    headers: { accept: "application/json", "content-type": "application/json", authorization: `SSWS ${config.apiToken}` },
    ...(method === "POST" && { body: "{}" }),
  });
  if (status !== 200) throw new Error(`Okta answered ${method} ${new URL(url).pathname} with status ${status}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("Okta's answer is not JSON");
  }
}

const object = (value: unknown): Readonly<Record<string, unknown>> => (value !== null && typeof value === "object" ? (value as Readonly<Record<string, unknown>>) : {});
const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.map(object) : []);

export async function askOkta(config: OktaConfig, { username }: FactorQuestion, asking: Asking): Promise<string | undefined> {
  const origin = `https://${oktaHost(config)}`;
  const filter = `${config.primaryEmail ? "profile.email" : "profile.login"} eq ${JSON.stringify(username)}`;
  const users = list(await call(config, asking, "GET", `${origin}/api/v1/users?filter=${encodeURIComponent(filter)}`));
  if (users.length === 0) return "no users found for e-mail address";
  if (users.length > 1) return "more than one user found for e-mail address";
  const user = `${origin}/api/v1/users/${encodeURIComponent(String(users[0]!["id"]))}`;

  const factors = list(await call(config, asking, "GET", `${user}/factors`));
  if (factors.length === 0) return "no MFA factors found for user";
  const push = factors.find(({ factorType, status = "ACTIVE" }) => factorType === "push" && status === "ACTIVE");
  if (!push) return "no push-type MFA factor found for user";

  let state = object(await call(config, asking, "POST", `${user}/factors/${encodeURIComponent(String(push["id"]))}/verify`));
  if (state["factorResult"] !== "WAITING") return `expected WAITING status for push status, got ${JSON.stringify(String(state["factorResult"]))}`;
  const poll = object(object(state["_links"])["poll"])["href"];
  // The token goes nowhere but to Okta.
  if (typeof poll !== "string" || !URL.canParse(poll) || new URL(poll).origin !== new URL(origin).origin) return "invalid poll link from Okta";
  while (!isOver(asking)) {
    state = object(await call(config, asking, "GET", poll));
    switch (state["factorResult"]) {
      case "SUCCESS":
        return undefined;
      case "REJECTED":
        return "push verification explicitly rejected";
      case "TIMEOUT":
        return "push verification timed out";
      case "WAITING":
        break;
      default:
        return "unknown status code from Okta";
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, timeLeft(asking))));
  }
  return "push verification timed out";
}

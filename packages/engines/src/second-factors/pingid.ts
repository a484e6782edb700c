import { SignJWT, jwtVerify } from "jose";
import type { FactorQuestion, PingIdConfig } from "@coffer/state-machine";
import { outgoing } from "../outgoing/request.js";
import { timeLeft } from "./ask.js";
import type { Asking } from "./ask.js";

/** PingID's API: requests and answers are JWTs signed by the organization's key (HS256). */
const VERSION = "4.9";
const AUTHENTICATE = "/rest/4/authonline/do";
const ACCEPTED = 200;

export async function askPingId(config: PingIdConfig, { username }: FactorQuestion, asking: Asking): Promise<string | undefined> {
  const key = Buffer.from(config.base64Key, "base64");
  const request = await new SignJWT({
    reqHeader: { locale: "en", orgAlias: config.orgAlias, secretKey: config.token, timestamp: timestamp(asking.env.now()), version: VERSION },
    reqBody: { spAlias: "web", userName: username, authType: "CONFIRM" },
  })
    .setProtectedHeader({ alg: "HS256", org_alias: config.orgAlias, token: config.token })
    .sign(key);
  // The answer comes when the user has decided.
  const { text } = await outgoing({ url: `${config.idpUrl}${AUTHENTICATE}`, method: "POST", headers: { "content-type": "application/json" }, body: request, ca: asking.ca, timeoutMs: timeLeft(asking) });
  const { payload, protectedHeader } = await verified(text.trim(), key);
  if (protectedHeader["token"] !== config.token) return "invalid token in ping response";
  if ((protectedHeader["orgAlias"] ?? protectedHeader["org_alias"]) !== config.orgAlias) return "invalid org_alias in ping response";
  const { errorId, errorMsg } = (payload["responseBody"] ?? {}) as { readonly errorId?: unknown; readonly errorMsg?: unknown };
  if (errorId === ACCEPTED) return undefined;
  return `PingID refused: ${JSON.stringify(typeof errorMsg === "string" ? errorMsg : "no reason given")}`;
}

async function verified(text: string, key: Uint8Array): Promise<Awaited<ReturnType<typeof jwtVerify>>> {
  try {
    return await jwtVerify(text, key, { algorithms: ["HS256", "HS384", "HS512"] });
  } catch {
    throw new Error("PingID's answer is not signed by the organization's key");
  }
}

/** `2026-01-31 12:34:56.789`, UTC. */
const timestamp = (ms: number): string => new Date(ms).toISOString().replace("T", " ").replace("Z", "");

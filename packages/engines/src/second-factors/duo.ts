import { createHmac } from "node:crypto";
import type { DuoConfig, FactorQuestion } from "@coffer/state-machine";
import { jsonObject, outgoing } from "../outgoing/request.js";
import { isOver, timeLeft } from "./ask.js";
import type { Asking } from "./ask.js";

/** Duo's Auth API, version 2 (https://duo.com/docs/authapi): preauth, auth, and auth_status, which answers when there is something new. */
type Parameters = Readonly<Record<string, string>>;
type Reply = Readonly<Record<string, unknown>>;

/** As Duo counts its parameters: sorted, and encoded so that only letters, digits and `_.~-` stand for themselves. */
function encoded(parameters: Parameters): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
}

const escaped = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

async function call({ integrationKey, secretKey, apiHostname }: DuoConfig, asking: Asking, method: "GET" | "POST", path: string, parameters: Parameters): Promise<Reply> {
  const date = new Date(asking.env.now()).toUTCString().replace("GMT", "-0000");
  const query = encoded(parameters);
  const canonical = [date, method, apiHostname.toLowerCase(), path, query].join("\n");
  const signature = createHmac("sha512", secretKey).update(canonical).digest("hex");
  const { status, text } = await outgoing({
    url: `https://${apiHostname}${path}${method === "GET" && query !== "" ? `?${query}` : ""}`,
    method,
    headers: { date, authorization: `Basic ${Buffer.from(`${integrationKey}:${signature}`).toString("base64")}`, ...(method === "POST" && { "content-type": "application/x-www-form-urlencoded" }) },
    ...(method === "POST" && { body: query }),
    ca: asking.ca,
    timeoutMs: timeLeft(asking),
  });
  const { stat, message, response } = jsonObject(text) ?? {};
  if (stat !== "OK") throw new Error(`Duo refused ${path}: ${typeof message === "string" ? message : `status ${status}`}`);
  return (response ?? {}) as Reply;
}

const text = (reply: Reply, name: string): string => (typeof reply[name] === "string" ? reply[name] : "");

export async function askDuo(config: DuoConfig, { username, passcode, remoteAddress }: FactorQuestion, asking: Asking): Promise<string | undefined> {
  const who = { username, ...(remoteAddress !== "" && { ipaddr: remoteAddress }) };
  const preauth = await call(config, asking, "POST", "/auth/v2/preauth", who);
  switch (preauth["result"]) {
    case "allow":
      return undefined;
    case "deny":
      return `duo authentication failed: ${JSON.stringify(text(preauth, "status_msg"))}`;
    case "enroll":
      return `the user has to enroll at Duo first: ${JSON.stringify(text(preauth, "status_msg"))}`;
    case "auth":
      break;
    default:
      return "invalid response from Duo preauth";
  }
  const factor: Parameters = passcode === undefined ? { factor: "push", device: "auto", ...(config.pushInfo !== "" && { pushinfo: config.pushInfo }) } : { factor: "passcode", passcode };
  const started = await call(config, asking, "POST", "/auth/v2/auth", { ...who, ...factor, async: "1" });
  const txid = text(started, "txid");
  if (txid === "") return "failed to get transaction ID for Duo authentication";
  while (!isOver(asking)) {
    const state = await call(config, asking, "GET", "/auth/v2/auth_status", { txid });
    if (state["result"] === "allow") return undefined;
    if (state["result"] === "deny") return `duo authentication failed: ${JSON.stringify(text(state, "status_msg"))}`;
    if (state["result"] !== "waiting") return "invalid response from Duo auth_status";
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return "duo push verification timed out";
}

/** Duo holds the question until its state changes; this is only against one that does not. */
const POLL_MS = 500;

import { createHmac, timingSafeEqual } from "node:crypto";
import type { ServerCertificate } from "./account.js";
import { startTlsService } from "./tls-service.js";
import type { ServedAnswer, TlsService } from "./tls-service.js";

/** `never`: the user decides nothing, and PingID's answer does not come. */
export type PingIdUser = "accept" | "deny" | "never";

export interface PingIdOptions {
  readonly orgAlias: string;
  readonly token: string;
  readonly base64Key: string;
  readonly users: Readonly<Record<string, PingIdUser>>;
  /** What it signs answers with, where that is not the organization's key. */
  readonly answerKey?: string;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const parsed = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a server's look at JSON

/** PingID's `authonline`: a JWT (HS256, RFC 7515) in, one out; the answer is held back until the user has decided. */
export function startPingId(tls: ServerCertificate, { orgAlias, token, base64Key, users, answerKey = base64Key }: PingIdOptions): Promise<TlsService> {
  const sign = (input: string, key: string) => createHmac("sha256", Buffer.from(key, "base64")).update(input).digest();

  function answer(errorId: number, errorMsg: string): ServedAnswer {
    const input = `${part({ alg: "HS256", orgAlias, token })}.${part({ responseBody: { errorId, errorMsg, uniqueMsgId: "webs_1", clientData: null } })}`;
    return { body: `${input}.${sign(input, answerKey).toString("base64url")}` };
  }

  return startTlsService(tls, ({ method, path, body }): ServedAnswer | Promise<ServedAnswer> => {
    if (method !== "POST" || path !== "/pingid/rest/4/authonline/do") return { status: 404, body: "" };
    const [head = "", claims = "", signature = ""] = body.split(".");
    const given = Buffer.from(signature, "base64url");
    const expected = sign(`${head}.${claims}`, base64Key);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return answer(20514, "Authentication failed");
    const header = parsed(head);
    const { reqHeader, reqBody } = parsed(claims);
    const isComplete = header["org_alias"] === orgAlias && header["token"] === token && reqHeader.orgAlias === orgAlias && reqHeader.secretKey === token && reqHeader.version === "4.9" && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(reqHeader.timestamp as string);
    if (!isComplete || reqBody.authType !== "CONFIRM" || reqBody.spAlias !== "web") return answer(20522, "Invalid request");
    switch (users[reqBody.userName as string]) {
      case "accept":
        return answer(200, "ok");
      case "deny":
        return answer(20501, "Denied by the user");
      case "never":
        return new Promise(() => {});
      default:
        return answer(20518, "User not found");
    }
  });
}

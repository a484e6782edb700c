import * as http from "node:http";
import * as https from "node:https";
import { parseXML } from "@aws-sdk/xml-builder";
import { invalid, RequestError } from "@coffer/state-machine";
import type { SignedRequest } from "./signed-request.js";

/** Whom STS takes the signer for. */
export interface CallerIdentity {
  readonly arn: string;
  readonly userId: string;
  readonly account: string;
}

/** Bytes; a real answer has about 500. */
const MOST_BYTES = 65_536;
const TIMEOUT_MS = 10_000;
const PAUSE_MS = 200;
/** Where the configuration leaves it to us. */
const DEFAULT_RETRIES = 2;

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send({ endpoint, headers, body }: SignedRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (endpoint.protocol === "http:" ? http : https).request(endpoint, { method: "POST", headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) return void request.destroy(new Error("the answer is too large"));
        chunks.push(chunk);
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
    });
    request.once("error", reject);
    request.end(body);
  });
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Undefined for anything but the answer to sts:GetCallerIdentity, each part of it there and there once. */
export function parseCallerIdentity(text: string): CallerIdentity | undefined {
  // The answer has neither a document type, nor comments, nor another root behind its own.
  if (text.includes("<!") || text.split("<GetCallerIdentityResponse").length !== 2 || !text.trimEnd().endsWith("</GetCallerIdentityResponse>")) return undefined;
  let root: unknown;
  try {
    root = (parseXML(text) as Readonly<Record<string, unknown>>)["GetCallerIdentityResponse"];
  } catch {
    return undefined;
  }
  const result = isRecord(root) && root["xmlns"] === "https://sts.amazonaws.com/doc/2011-06-15/" ? root["GetCallerIdentityResult"] : undefined;
  if (!isRecord(result)) return undefined;
  const { Arn: arn, UserId: userId, Account: account } = result;
  if (typeof arn !== "string" || typeof userId !== "string" || typeof account !== "string") return undefined;
  if (!arn.startsWith("arn:") || userId === "" || !/^\d+$/.test(account) || arn.split(":")[4] !== account) return undefined;
  return { arn, userId, account };
}

/** Asks STS, and STS alone, who signed. Throws RequestError: 400 where STS does not take the signature, 502 where it does not answer. */
export async function callerIdentity(request: SignedRequest, maxRetries: number): Promise<CallerIdentity> {
  const tries = 1 + (maxRetries < 0 ? DEFAULT_RETRIES : maxRetries);
  let answer: Answer | undefined;
  for (let n = 0; n < tries && (answer === undefined || answer.status >= 500); n++) {
    if (n > 0) await new Promise((wake) => setTimeout(wake, PAUSE_MS * 2 ** n));
    answer = await send(request).catch(() => undefined);
  }
  if (!answer) throw new RequestError("upstream_failed", "error making upstream request: STS does not answer");
  if (answer.status !== 200) {
    const code = /<Code>([\w.]{1,100})<\/Code>/.exec(answer.text)?.[1];
    const text = `error making upstream request: received error code ${answer.status} from STS${code !== undefined ? `: ${code}` : ""}`;
    throw answer.status >= 500 ? new RequestError("upstream_failed", text) : invalid(text);
  }
  const identity = parseCallerIdentity(answer.text);
  if (!identity) throw invalid("error making upstream request: the answer is not that of sts:GetCallerIdentity");
  return identity;
}

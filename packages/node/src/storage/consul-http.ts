import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { ConsulStorage } from "../configuration/types.js";

export interface ConsulAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export type ConsulAsk = (method: string, path: string, body?: unknown) => Promise<ConsulAnswer>;

const TIMEOUT_MS = 30_000;

/** Consul's HTTP API (https://developer.hashicorp.com/consul/api-docs). Rejects when there is no answer; any status is one. */
export function consulClient({ scheme, address, token, tls }: ConsulStorage): ConsulAsk {
  const request = scheme === "https" ? httpsRequest : httpRequest;
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new Error(`Consul at ${address}: ${error.message || (error as NodeJS.ErrnoException).code}`));
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = { ...(token !== undefined && { "X-Consul-Token": token }), ...(payload && { "Content-Type": "application/json", "Content-Length": payload.length }) };
      const sent = request(new URL(`${scheme}://${address}${path}`), { method, headers, timeout: TIMEOUT_MS, ...(scheme === "https" && { ca: tls.ca, cert: tls.certificate, key: tls.key, rejectUnauthorized: !tls.skipVerify }) }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
        answer.on("error", fail);
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", fail);
      sent.end(payload);
    });
}

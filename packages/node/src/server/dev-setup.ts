import { randomUUID } from "node:crypto";
import type { ApiRequest } from "@coffer/state-machine";
import type { CofferNode } from "./node.js";

/** Initialises and unseals a server in memory, with KV v2 at secret/. */
export async function setUpDevServer({ seal, application }: CofferNode): Promise<{ readonly rootToken: string; readonly unsealKey: string }> {
  const { keys, rootToken } = await seal.init({ secretShares: 1, secretThreshold: 1 });
  const [key] = keys;
  await seal.unseal(key!);
  const request: ApiRequest = {
    id: randomUUID(),
    operation: "update",
    path: "sys/mounts/secret",
    query: {},
    body: Buffer.from(JSON.stringify({ type: "kv", description: "key/value secret storage", options: { version: "2" } })),
    contentType: "application/json",
    token: rootToken,
    headers: {},
    remoteAddress: "127.0.0.1",
    remotePort: 0,
  };
  const { status } = await application.handle(request);
  if (status !== 204) throw new Error(`mounting secret/ answered ${status}`);
  return { rootToken, unsealKey: Buffer.from(key!).toString("base64") };
}

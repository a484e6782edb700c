import { createServer } from "node:net";
import type { Configuration } from "../configuration/types.js";
import { checkClientAuthorities, checkServerCertificate } from "./certificates.js";
import { DiagnosedError } from "./finding.js";
import type { Check } from "./finding.js";

function tryPort(address: string): Promise<void> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? new DiagnosedError(`${address} is in use.`, "Where that is the server itself, run this with -skip=listener.") : new Error(`Cannot listen on ${address}: ${error.message}.`)));
    server.listen({ port: Number(port), ...(host !== "" && { host: host.replace(/^\[|\]$/g, "") }) }, () => server.close(() => resolve()));
  });
}

export async function checkListeners(configuration: Configuration, clusterListen: string, check: Check): Promise<void> {
  const { listeners, apiAddress, storage } = configuration;
  for (const { address, tls } of listeners) {
    await check.look(`Check Listener TLS ${address}`, (inner) => {
      if (tls) return checkServerCertificate(tls, apiAddress, inner);
      return inner.warn(`TLS is off at ${address}: tokens and secrets cross the network as they are.`, "Only for an address that nobody else reaches, or behind something that ends TLS on this machine.");
    });
    if (tls) await check.look(`Check Client Authorities ${address}`, (inner) => checkClientAuthorities(tls, inner));
    await check.look(`Start Listener ${address}`, () => tryPort(address));
  }
  if (storage.type === "raft") await check.look(`Start Cluster Listener ${clusterListen}`, () => tryPort(clusterListen));
}

/** Others are sent to these: they have to name this node, and not a wildcard. */
export async function checkAddresses({ apiAddress, clusterAddress, listeners, storage }: Configuration, check: Check): Promise<void> {
  const isWildcard = (url: string) => ["0.0.0.0", "[::]"].includes(new URL(url).hostname);
  await check.look("Determine Redirect Address", ({ warn }) => {
    if (isWildcard(apiAddress)) return warn(`api_addr is ${apiAddress}, which no other machine can use.`, "Name this node as clients and other nodes reach it.");
    const wanted = listeners.some(({ tls }) => tls) ? "https:" : "http:";
    if (new URL(apiAddress).protocol !== wanted && listeners.every(({ tls }) => (tls === undefined) === (wanted === "http:"))) warn(`api_addr is ${apiAddress}, and the listeners speak ${wanted.slice(0, -1)}.`);
    return apiAddress;
  });
  await check.look("Check Cluster Address", ({ warn, skip }) => {
    if (storage.type !== "raft") return skip("A node alone has none.");
    if (isWildcard(clusterAddress)) return warn(`cluster_addr is ${clusterAddress}, which no other machine can use.`);
    return clusterAddress;
  });
}

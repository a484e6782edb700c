import { hostname } from "node:os";
import type { BodyReader } from "@coffer/hcl";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";
import type { Listener } from "./types.js";

const MAX_PORT = 65_535;

export interface Addresses {
  readonly apiAddress: string;
  readonly clusterAddress: string;
}

/** Where clients and other nodes reach this one: as told, or guessed from its first listener. */
export function readAddresses(body: BodyReader, environment: Environment, listener: Listener): Addresses {
  const apiAddress = url(body, environment, { key: "api_addr", name: "VAULT_API_ADDR", example: "https://node-1.internal:8200" }) ?? guess(body, listener);
  const clusterAddress = url(body, environment, { key: "cluster_addr", name: "VAULT_CLUSTER_ADDR", example: "https://node-1.internal:8201" }) ?? nextPort(body, apiAddress);
  return { apiAddress, clusterAddress };
}

function url(body: BodyReader, environment: Environment, { key, name, example }: { key: string; name: string; example: string }): string | undefined {
  const fromFile = body.string(key);
  const fromEnvironment = variable(environment, name);
  const fail = (problem: string): never => {
    if (fromEnvironment !== undefined) throw new ConfigurationError(`environment variable ${name}: ${problem}`);
    return body.fail(key, problem);
  };
  const text = fromEnvironment || fromFile;
  if (!text) return undefined;
  if (text.includes("{{")) fail("addresses are not templates in this version; write the address out");
  // Vault takes the cluster's address without a scheme: it is always TLS.
  const whole = key === "cluster_addr" && !text.includes("://") ? `https://${text}` : text;
  const { protocol, pathname, search } = URL.canParse(whole) ? new URL(whole) : { protocol: "", pathname: "", search: "" };
  if ((protocol !== "https:" && protocol !== "http:") || pathname !== "/" || search !== "") fail(`${key} takes a URL such as ${JSON.stringify(example)}, not ${JSON.stringify(text)}`);
  return whole.replace(/\/$/, "");
}

function guess(body: BodyReader, { address, tls }: Listener): string {
  const guessed = `${tls ? "https" : "http"}://${reachable(address)}`;
  return URL.canParse(guessed) ? guessed : body.fail("listener", `${JSON.stringify(guessed)} is no URL; set api_addr to where clients reach this node`);
}

/** Others do not reach an address that means "every interface". */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])?:/, `${hostname()}:`);
}

function nextPort(body: BodyReader, apiAddress: string): string {
  const { hostname: host, port, protocol } = new URL(apiAddress);
  const next = Number(port || (protocol === "https:" ? 443 : 80)) + 1;
  return next <= MAX_PORT ? `https://${host}:${next}` : body.fail("api_addr", "there is no port above that of api_addr; set cluster_addr");
}

import type { Client, Method, RequestOptions } from "@coffer/client";
import type { FlagValues } from "./flags.js";

/** Thrown in place of sending, when the user asked to see the request: `text` is what to print. */
export class RequestShown extends Error {
  override readonly name = "RequestShown";
  constructor(readonly text: string) {
    super("the request was printed instead of sent");
  }
}

/** The client itself, or under -output-curl-string and -output-policy one that shows its first request and stops. */
export function intercept(client: Client, flags: FlagValues): Client {
  const curl = flags.bool("output-curl-string");
  if (!curl && !flags.bool("output-policy")) return client;
  const show = (method: Method, path: string, options?: RequestOptions): never => {
    throw new RequestShown(curl ? formatCurl(client, method, path, options) : formatPolicy(method, path));
  };
  return {
    ...client,
    send: async (method, path, options) => show(method, path, options),
    stream: async (method, path, options) => show(method, path, options),
    request: async (method, path, options) => show(method, path, options),
    with: (changes) => intercept(client.with(changes), flags),
  };
}

function formatCurl(client: Client, method: Method, path: string, options?: RequestOptions): string {
  const described = client.describe(method, path, options);
  const { skipVerify, caCert, caPath, clientCert, clientKey } = client.options;
  const parts = ["curl"];
  if (skipVerify === true) parts.push("--insecure");
  if (described.method !== "GET") parts.push(`-X ${described.method}`);
  for (const [flag, file] of [["--cacert", caCert], ["--capath", caPath], ["--cert", clientCert], ["--key", clientKey]] as const) {
    if (file !== undefined) parts.push(`${flag} ${quoteShell(file)}`);
  }
  for (const [name, values] of Object.entries(described.headers)) {
    if (name === "User-Agent" || name === "Content-Type") continue;
    // The token itself stays out of shell history.
    for (const value of [values].flat()) parts.push(`-H "${name}: ${name === "X-Vault-Token" ? "$(coffer print token)" : value.replace(/["\\$`]/g, "\\$&")}"`);
  }
  if (described.body !== undefined) parts.push(`-d ${quoteShell(described.body)}`);
  return [...parts, `"${described.url.replace(/["\\$`]/g, "\\$&")}"`].join(" ");
}

function quoteShell(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

const CAPABILITIES: Readonly<Record<Method, readonly string[]>> = {
  GET: ["read"],
  HEAD: ["read"],
  OPTIONS: ["read"],
  POST: ["create", "update"],
  PUT: ["create", "update"],
  PATCH: ["patch"],
  DELETE: ["delete"],
  LIST: ["list"],
  SCAN: ["scan"],
};

/** Paths that need sudo beside what the method says. */
const SUDO =
  /^(auth\/token\/(accessors|revoke-orphan)\/?|pki\/root(\/sign-self-issued)?|sys\/(audit(\/.*)?|auth\/[^/]+(\/tune)?|config\/(auditing\/request-headers(\/.*)?|cors|ui\/headers(\/.*)?)|internal\/inspect\/.*|leases\/(lookup\/.*|revoke-(force|prefix)\/.*)|raw(\/.*)?|remount|revoke-(force|prefix)\/.*|rotate|seal|step-down|storage\/raft\/snapshot-auto\/config\/.*))$/;

function formatPolicy(method: Method, path: string): string {
  const bare = path.replace(/^\/+/, "");
  const capabilities = [...CAPABILITIES[method], ...(SUDO.test(bare) ? ["sudo"] : [])];
  return `path "${bare}" {\n  capabilities = ["${capabilities.join(`", "`)}"]\n}`;
}

import type { Command } from "./command.js";
import type { Flag } from "./flags.js";

/** Flags that every command takes: how to reach the server, and what to do instead of asking it. */
export const HTTP_FLAGS: readonly Flag[] = [
  { name: "address", kind: "string", help: "Address of the server, by default https://127.0.0.1:8200 (VAULT_ADDR)." },
  { name: "agent-address", kind: "string", help: "Address of an agent to go through (VAULT_AGENT_ADDR)." },
  { name: "ca-cert", kind: "string", help: "PEM file of the certificate authority to verify the server by (VAULT_CACERT). Wins over -ca-path." },
  { name: "ca-path", kind: "string", help: "Directory of PEM files of certificate authorities (VAULT_CAPATH)." },
  { name: "client-cert", kind: "string", help: "PEM file of the certificate to show to the server (VAULT_CLIENT_CERT). Needs -client-key." },
  { name: "client-key", kind: "string", help: "PEM file of the key that belongs to -client-cert (VAULT_CLIENT_KEY)." },
  { name: "tls-server-name", kind: "string", help: "Name to ask for and verify in TLS (VAULT_TLS_SERVER_NAME)." },
  { name: "tls-skip-verify", kind: "bool", help: "Do not verify the server's certificate. Anyone on the way can then read along (VAULT_SKIP_VERIFY)." },
  { name: "disable-redirects", kind: "bool", help: "Do not follow the one redirect that a standby may answer with (VAULT_DISABLE_REDIRECTS)." },
  { name: "namespace", kind: "string", help: "Namespace to work in (VAULT_NAMESPACE)." },
  { name: "ns", kind: "string", help: "Short for -namespace.", hidden: true },
  { name: "wrap-ttl", kind: "duration", help: "Ask for the answer to be wrapped in a single-use token with this lifetime (VAULT_WRAP_TTL)." },
  { name: "mfa", kind: "list", help: "MFA credentials, method[:passcode] (VAULT_MFA). May be repeated." },
  { name: "policy-override", kind: "bool", help: "Override a soft-mandatory policy." },
  { name: "header", kind: "map", help: "Extra HTTP header, key=value. May be repeated; X-Vault- headers are refused." },
  { name: "output-curl-string", kind: "bool", help: "Print the request as a curl command instead of sending it." },
  { name: "output-policy", kind: "bool", help: "Print the policy that the request would need instead of sending it." },
  { name: "non-interactive", kind: "bool", help: "Never ask for input on the terminal or read it from stdin." },
];

export const OUTPUT_FLAGS: readonly Flag[] = [
  { name: "format", kind: "string", env: "VAULT_FORMAT", help: "Output format: table, json or yaml; raw for read (VAULT_FORMAT)." },
  { name: "field", kind: "string", help: "Print only this field, without a newline after it where the output is not a terminal." },
];

const DETAILED: Flag = { name: "detailed", kind: "bool", env: "VAULT_DETAILED", help: "Print more columns (VAULT_DETAILED)." };

export function allFlags(command: Command): readonly Flag[] {
  const own = command.flags ?? [];
  return [...own, ...OUTPUT_FLAGS, ...(command.detailed === true ? [DETAILED] : []), ...HTTP_FLAGS];
}

import { ApiError, createClient } from "@coffer/client";
import type { Client } from "@coffer/client";
import type { Logger } from "../logging/logger.js";
import type { Seal } from "./seal.js";

/** The transit engine of another cluster (Coffer's or Vault's) wraps the root key. Its token needs update on encrypt/KEY and decrypt/KEY. */

const TIMEOUT_MS = 10_000;
const FAILED_RENEWAL_PAUSE_MS = 60_000;
const SHORTEST_RENEWAL_PAUSE_MS = 5000;
/** A timer longer than this fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export function createTransitSeal(options: Readonly<Record<string, string>>, logger: Logger): Seal {
  const mount = (options["mount_path"] ?? "").replace(/^\/+|\/+$/g, "");
  const keyName = options["key_name"] ?? "";
  const client = createClient({
    address: options["address"] ?? "",
    ...(options["token"] && { token: options["token"] }),
    ...(options["namespace"] && { namespace: options["namespace"] }),
    ...(options["tls_ca_cert"] && { caCert: options["tls_ca_cert"] }),
    ...(options["tls_client_cert"] && { clientCert: options["tls_client_cert"] }),
    ...(options["tls_client_key"] && { clientKey: options["tls_client_key"] }),
    ...(options["tls_server_name"] && { tlsServerName: options["tls_server_name"] }),
    ...(isTrue(options["tls_skip_verify"]) && { skipVerify: true }),
    timeoutMs: TIMEOUT_MS,
    maxRetries: 0,
  });
  const renewal = isTrue(options["disable_renewal"]) ? undefined : keepRenewed(client, logger);

  async function ask(operation: "encrypt" | "decrypt", body: Readonly<Record<string, string>>, answer: "ciphertext" | "plaintext"): Promise<string> {
    let data: Readonly<Record<string, unknown>>;
    try {
      ({ data } = await client.request("PUT", `${mount}/${operation}/${keyName}`, { body }));
    } catch (error) {
      throw new Error(`transit at ${client.address}, key ${mount}/${keyName}: ${reasonOf(error)}`);
    }
    const text = data[answer];
    if (typeof text !== "string" || text === "") throw new Error(`transit at ${client.address} gave no ${answer}`);
    return text;
  }

  return {
    keyId: `${mount}/${keyName}`,
    wrap: (plaintext) => ask("encrypt", { plaintext: Buffer.from(plaintext).toString("base64") }, "ciphertext"),
    async unwrap(ciphertext) {
      return new Uint8Array(Buffer.from(await ask("decrypt", { ciphertext }, "plaintext"), "base64"));
    },
    close() {
      renewal?.stop();
      client.close();
    },
  };
}

/** In one line: it is shown in tables and logs. */
function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.status}, ${error.errors.join("; ").replace(/\s+/g, " ").trim() || "without a reason"}`;
  return error instanceof Error ? error.message : String(error);
}

export const isTrue = (text: string | undefined): boolean => /^(1|t|true)$/i.test(text ?? "");

/** Renews the token at half of its time, as long as it can be renewed. */
function keepRenewed(client: Client, logger: Logger): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function renew(): Promise<void> {
    let pauseMs: number | undefined = FAILED_RENEWAL_PAUSE_MS;
    try {
      const { auth } = await client.request("PUT", "auth/token/renew-self", { body: {} });
      pauseMs = auth?.renewable ? Math.min(Math.max((auth.lease_duration * 1000) / 2, SHORTEST_RENEWAL_PAUSE_MS), LONGEST_TIMER_MS) : undefined;
    } catch (error) {
      // Also a root token, and any other that does not expire.
      if (/not renewable|cannot be renewed/.test(error instanceof Error ? error.message : "")) pauseMs = undefined;
      else if (!isStopped) logger.warn("the token of the transit seal could not be renewed; will try again", { address: client.address, reason: reasonOf(error) });
    }
    if (!isStopped && pauseMs !== undefined) timer = setTimeout(() => void renew(), pauseMs).unref();
  }

  void renew();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

import type { AskFactor, Environment } from "@coffer/state-machine";
import { askDuo } from "./duo.js";
import { askOkta } from "./okta.js";

export interface Asking {
  readonly env: Pick<Environment, "now">;
  /** Epoch milliseconds of the real clock after which nobody is waited for any more. */
  readonly deadline: number;
  /** PEM. Trusted instead of the system's authorities; empty: the system's. */
  readonly ca: string;
}

/** Within what a request may take (`max_request_duration`, 90 seconds), with time left for the request itself. */
const PATIENCE_MS = 60_000;

/** The services of second factors, over TLS. An error says what failed, and holds no secret. */
export function createAskFactor({ env, ca = "", patienceMs = PATIENCE_MS }: { readonly env: Pick<Environment, "now">; readonly ca?: string; readonly patienceMs?: number }): AskFactor {
  return async (question) => {
    const { method } = question;
    const asking: Asking = { env, ca, deadline: Date.now() + patienceMs };
    try {
      switch (method.type) {
        case "duo":
          return await askDuo(method.duo, question, asking);
        case "okta":
          return await askOkta(method.okta, question, asking);
        case "pingid":
          return await (await import("./pingid.js")).askPingId(method.pingid, question, asking);
      }
    } catch (error) {
      return `failed to ask for MFA method name ${JSON.stringify(method.name)}: ${error instanceof Error ? error.message : "unknown error"}`;
    }
  };
}

/** Milliseconds that are left; at least one, so that what asks once more is told that time is up. */
export function timeLeft({ deadline }: Asking): number {
  return Math.max(1, deadline - Date.now());
}

export const isOver = ({ deadline }: Asking): boolean => Date.now() >= deadline;

import { RequestError } from "@coffer/state-machine";
import type { RetryJoin } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import type { SealLifecycle } from "./seal-control.js";

const PAUSE_MS = 1000;

/** Asks the configured nodes in turn until one of them takes this node in, or it is initialised. */
export function startRetryJoin(targets: readonly RetryJoin[], seal: Pick<SealLifecycle, "stage" | "join">, logger: Logger): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = targets.length === 0;
  // The same failure again and again is said once.
  const told = new Map<string, string>();

  async function round(): Promise<void> {
    for (const target of targets) {
      // An offer that was accepted may yet come to nothing, when its node is gone by the time of the unsealing.
      if (stopped || seal.stage() !== "new") break;
      try {
        await seal.join(requestOf(target));
      } catch (error) {
        const reason = error instanceof RequestError ? error.messages.join("; ") : String(error);
        if (told.get(target.leaderApiAddress) !== reason) logger.info("cannot join through this node yet; will try again", { address: target.leaderApiAddress, reason });
        told.set(target.leaderApiAddress, reason);
      }
    }
    if (!stopped && seal.stage() !== "member") timer = setTimeout(() => void round(), PAUSE_MS);
  }

  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function requestOf(target: RetryJoin) {
  return {
    leaderApiAddress: target.leaderApiAddress,
    ...(target.caCertificate !== undefined && { leaderCaCertificate: target.caCertificate }),
    ...(target.clientCertificate !== undefined && { leaderClientCertificate: target.clientCertificate }),
    ...(target.clientKey !== undefined && { leaderClientKey: target.clientKey }),
    ...(target.tlsServerName !== undefined && { leaderTlsServerName: target.tlsServerName }),
    retry: true,
    nonVoter: false,
  };
}

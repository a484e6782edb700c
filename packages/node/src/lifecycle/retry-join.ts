import { RequestError } from "@coffer/state-machine";
import type { JoinRequest } from "@coffer/state-machine";
import type { RaftStorage } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import { checkRequest } from "./joining.js";
import type { SealLifecycle } from "./seal-control.js";

const PAUSE_MS = 1000;
/** Nodes that operators named and that are still tried. */
const MAX_ASKED = 8;

export interface RetryJoins {
  /** Joins as asked. With `retry`, from now on again and again, and false comes back at once: the answer is in the log. */
  ask(request: JoinRequest): Promise<boolean>;
  stop(): void;
}

/** Asks the nodes that the configuration or an operator named, in turn, until one of them takes this node in, or it is initialised. */
export function startRetryJoin(configured: readonly JoinRequest[], seal: Pick<SealLifecycle, "stage" | "join">, logger: Logger): RetryJoins {
  const targets = [...configured];
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let stopped = false;
  // The same failure again and again is said once.
  const told = new Map<string, string>();

  async function round(): Promise<void> {
    running = true;
    for (const target of [...targets]) {
      // An offer that was accepted may yet come to nothing, when its node is gone by the time of the unsealing.
      if (stopped || seal.stage() !== "new") break;
      try {
        await seal.join(target);
      } catch (error) {
        const reason = error instanceof RequestError ? error.messages.join("; ") : String(error);
        if (told.get(target.leaderApiAddress) !== reason) logger.info("cannot join through this node yet; will try again", { address: target.leaderApiAddress, reason });
        told.set(target.leaderApiAddress, reason);
      }
    }
    running = !stopped && seal.stage() !== "member";
    if (running) timer = setTimeout(() => void round(), PAUSE_MS);
  }

  if (targets.length > 0) void round();
  return {
    async ask(request) {
      if (!request.retry || seal.stage() === "member") return seal.join(request);
      checkRequest(request);
      const known = targets.findIndex((target) => target.leaderApiAddress === request.leaderApiAddress);
      if (known >= 0) targets[known] = request;
      else targets.push(request);
      // Asked for without a token: what is tried for ever must not grow for ever.
      if (targets.length > configured.length + MAX_ASKED) targets.splice(configured.length, 1);
      if (!running) void round();
      return false;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What the configuration's `retry_join` blocks ask for. */
export function joinRequests({ retryJoin, retryJoinAsNonVoter }: RaftStorage): readonly JoinRequest[] {
  return retryJoin.map((target) => ({
    leaderApiAddress: target.leaderApiAddress,
    ...(target.caCertificate !== undefined && { leaderCaCertificate: target.caCertificate }),
    ...(target.clientCertificate !== undefined && { leaderClientCertificate: target.clientCertificate }),
    ...(target.clientKey !== undefined && { leaderClientKey: target.clientKey }),
    ...(target.tlsServerName !== undefined && { leaderTlsServerName: target.tlsServerName }),
    retry: true,
    nonVoter: retryJoinAsNonVoter,
  }));
}

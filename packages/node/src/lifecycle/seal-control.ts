import { BarrierError, createUnsealSession, initialize, invalid, KEYRING_KEY, openRootKey, readKeyring, readSealConfig, RequestError, unsealSession, writeGenesis } from "@coffer/state-machine";
import type { Barrier, BarrierKeys, Environment, InitRequest, InitResult, JoinRequest, ReplicatedLog, SealControl, SealStatus, Store, UnsealSession } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";
import { askToJoin } from "./joining.js";
import type { JoinOffer } from "./joining.js";

/** What this node has to do with a cluster. */
export type Stage =
  /** Nothing is stored here: sys/init or a join may begin. */
  | { readonly kind: "new" }
  | { readonly kind: "busy"; readonly doing: string }
  | Joining
  | { readonly kind: "member" };

/** An active node told what it takes; the shares open its sealed root key. */
interface Joining {
  readonly kind: "joining";
  readonly offer: JoinOffer;
  readonly session: UnsealSession<Uint8Array>;
}

export interface SealLifecycle extends SealControl {
  readonly stage: () => Stage["kind"];
  /** Asks one node of a cluster what joining takes; false where this node is busy with something else. Rejects with RequestError. */
  join(request: JoinRequest): Promise<boolean>;
}

export interface SealLifecycleOptions {
  readonly nodeId: string;
  readonly storageType: string;
  readonly clusterName: string | undefined;
  readonly isMember: boolean;
  readonly log: ReplicatedLog;
  readonly store: Store;
  readonly barrier: Barrier;
  readonly env: Environment;
  readonly logger: Logger;
  /** Makes this node the first of a new cluster and runs `write` once it leads; undone when that rejects. */
  readonly found: <T>(write: () => Promise<T>) => Promise<T>;
  /** Makes this node a member of the cluster that made the offer. */
  readonly enter: (offer: JoinOffer, rootKey: Uint8Array) => Promise<void>;
  readonly onUnsealed: () => void;
  /** Leadership is handed on before the keys go. */
  readonly beforeSeal: () => Promise<void>;
  readonly onSealed: () => void;
  /** For -dev. */
  readonly rootTokenText?: string;
}

/** How long a joined node waits for the first state to reach it. */
const FIRST_STATE_MS = 60_000;

function forget({ rootKey, keyring }: BarrierKeys): void {
  rootKey.fill(0);
  for (const { key } of keyring) key.fill(0);
}

/** A port in use, a full disk: who gave the command can do something about it. */
function told(what: string, error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError("internal", `${what}: ${error instanceof Error ? error.message : String(error)}`);
}

function drop({ offer, session }: Joining): void {
  session.reset();
  offer.leader.close();
}

export function createSealLifecycle(options: SealLifecycleOptions): SealLifecycle {
  const { log, store, barrier, env, logger } = options;
  let stage: Stage = options.isMember ? { kind: "member" } : { kind: "new" };
  let session: UnsealSession<BarrierKeys> | undefined;

  const raw = { getRaw: (key: string) => store.evaluate((tx) => tx.getRaw(key)).value };

  function dropSession(): void {
    session?.reset();
    session = undefined;
  }

  function unlock(keys: BarrierKeys): void {
    // Two requests may bring the last share at once.
    if (!barrier.sealed()) return forget(keys);
    barrier.unlock(keys);
    dropSession();
    options.onUnsealed();
    logger.info("vault is unsealed");
  }

  function lock(reason: string): void {
    if (barrier.sealed()) return;
    barrier.seal();
    store.clearCache();
    options.onSealed();
    logger.info("vault is sealed", { reason });
  }

  // The keyring changes by rotation, and by a restore; a restore of another cluster's state needs that cluster's shares.
  log.onApplied(({ keys, reset }) => {
    // Shares given so far were meant for what the state was before.
    if (reset) dropSession();
    if (stage.kind !== "member" || barrier.sealed() || !(reset || keys.includes(KEYRING_KEY))) return;
    try {
      const found = readKeyring(raw, barrier.rootKey());
      if (found) barrier.unlock(found);
      else lock("the state holds no keyring");
    } catch (error) {
      // Without the keys that the state is sealed with, this node would only write what nobody can read.
      lock(error instanceof BarrierError ? "the state is sealed with other keys now: unseal with the shares of its cluster" : "the keyring cannot be read");
    }
  });

  function status(): SealStatus {
    const base = { type: "shamir", recoverySeal: false, storageType: options.storageType };
    if (stage.kind === "joining") {
      const { offer, session: joining } = stage;
      return { ...base, initialized: true, sealed: true, threshold: offer.threshold, shares: offer.shares, progress: joining.progress(), nonce: joining.nonce() };
    }
    const config = stage.kind === "member" ? readSealConfig(raw) : undefined;
    if (!config) return { ...base, initialized: false, sealed: true, threshold: 0, shares: 0, progress: 0, nonce: "" };
    return { ...base, initialized: true, sealed: barrier.sealed(), threshold: config.secret_threshold, shares: config.secret_shares, progress: session?.progress() ?? 0, nonce: session?.nonce() ?? "" };
  }

  async function writeFirstState(shares: number, threshold: number): Promise<InitResult> {
    const { value, outcome } = await store.transact(async (tx) => {
      const made = await initialize(tx, { shares, threshold, env, ...(options.clusterName !== undefined && { clusterName: options.clusterName }) });
      barrier.unlock(made.keys);
      const { rootToken } = writeGenesis(tx.scoped("core/"), env, options.rootTokenText === undefined ? {} : { rootToken: options.rootTokenText });
      return { keys: made.shares, rootToken };
    });
    if (outcome.outcome !== "applied") throw new RequestError("internal", "the new cluster's first write did not succeed; nothing was initialized, try again");
    return value;
  }

  async function init({ secretShares, secretThreshold }: InitRequest): Promise<InitResult> {
    if (stage.kind === "busy") throw invalid(`this node is ${stage.doing}`);
    if (stage.kind !== "new") throw invalid("Vault is already initialized");
    stage = { kind: "busy", doing: "being initialized" };
    try {
      const made = await options.found(() => writeFirstState(secretShares, secretThreshold));
      stage = { kind: "member" };
      logger.info("initialized", { shares: secretShares, threshold: secretThreshold });
      return made;
    } catch (error) {
      stage = { kind: "new" };
      throw told("the cluster could not be initialized", error);
    } finally {
      // As in Vault: the first unsealing shows that the shares are in safe hands.
      barrier.seal();
      store.clearCache();
    }
  }

  async function join(request: JoinRequest): Promise<boolean> {
    const before = stage;
    if (before.kind === "member") throw invalid("this node is part of a cluster already; to move it, remove it there and delete its data folder");
    if (before.kind === "busy") return false;
    const offer = await askToJoin(request, options.nodeId);
    // Meanwhile it may have been initialised, or another node may have answered.
    if (stage !== before) {
      offer.leader.close();
      return stage.kind === "joining";
    }
    if (before.kind === "joining") drop(before);
    stage = { kind: "joining", offer, session: createUnsealSession(offer.threshold, env.uuid, (unsealKey) => openRootKey(unsealKey, offer.sealedRootKey)) };
    logger.info("may join the cluster once it is given the unseal keys", { via: request.leaderApiAddress });
    return true;
  }

  /** The state comes from the leader; until the keyring is in it there is nothing to unlock. */
  async function firstKeyring(rootKey: Uint8Array): Promise<BarrierKeys> {
    let stopLooking = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new RequestError("internal", `the cluster's state did not arrive within ${FIRST_STATE_MS / 1000} s; this node has joined: unseal it again later`)), FIRST_STATE_MS);
        const look = () => {
          try {
            const found = readKeyring(raw, rootKey);
            if (found) resolve(found);
          } catch (error) {
            reject(error instanceof BarrierError ? new RequestError("internal", "the state that arrived is not sealed with the cluster's keys") : error);
          }
        };
        stopLooking = log.onApplied(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      stopLooking();
    }
  }

  async function finishJoin({ offer }: Joining, rootKey: Uint8Array): Promise<void> {
    stage = { kind: "busy", doing: "joining the cluster" };
    let next: Stage = { kind: "new" };
    try {
      await options.enter(offer, rootKey);
      next = { kind: "member" };
      unlock(await firstKeyring(rootKey));
    } catch (error) {
      rootKey.fill(0);
      throw told("this node could not join", error);
    } finally {
      stage = next;
      offer.leader.close();
    }
  }

  async function unsealJoining(joining: Joining, share: Uint8Array): Promise<SealStatus> {
    const rootKey = await joining.session.add(share);
    if (!rootKey) return status();
    // Another request was faster: joining twice would delete what the first is receiving.
    if (stage === joining) await finishJoin(joining, rootKey);
    else rootKey.fill(0);
    return status();
  }

  async function unseal(share: Uint8Array): Promise<SealStatus> {
    if (stage.kind === "joining") return unsealJoining(stage, share);
    if (stage.kind === "busy") throw invalid(`this node is ${stage.doing}`);
    if (!barrier.sealed()) return status();
    const config = stage.kind === "member" ? readSealConfig(raw) : undefined;
    if (!config) throw invalid("Vault is not initialized");
    session ??= unsealSession(config, env.uuid, () => raw);
    const keys = await session.add(share);
    if (keys) unlock(keys);
    return status();
  }

  return {
    stage: () => stage.kind,
    status,
    init,
    unseal,
    join,
    resetUnseal() {
      if (stage.kind === "joining") stage.session.reset();
      session?.reset();
      return status();
    },
    async seal() {
      if (barrier.sealed()) return;
      await options.beforeSeal();
      lock("asked by an operator");
    },
  };
}

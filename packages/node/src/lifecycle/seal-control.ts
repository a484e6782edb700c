import { BarrierError, createUnsealSession, followKeys, invalid, isAutoSealed, isQuorumKey, keysBySeals, keysByUnsealKey, KEYRING_KEY, openRootKey, readQuorum, readSealConfig, readWraps, RECOVERY_CONFIG_KEY, RequestError, ROOT_KEY_WRAPS_KEY, SEAL_CONFIG_KEY } from "@coffer/state-machine";
import type { Barrier, BarrierKeys, Environment, InitRequest, InitResult, JoinRequest, Quorum, ReplicatedLog, SealControl, SealStatus, Store, UnsealSession } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";
import type { NodeSeals } from "../seals/index.js";
import { createAutoUnseal } from "./auto-unseal.js";
import { firstKeyring } from "./first-state.js";
import { planFirstState, writeFirstState } from "./initializing.js";
import { askToJoin } from "./joining.js";
import type { JoinOffer } from "./joining.js";
import { createSealUpkeep } from "./seal-upkeep.js";

/** What this node has to do with a cluster. */
export type Stage =
  /** Nothing is stored here: sys/init or a join may begin. */
  | { readonly kind: "new" }
  | { readonly kind: "busy"; readonly doing: string }
  | Joining
  | { readonly kind: "member" };

/** An active node told what it takes: shares that open its sealed root key, or a seal that unwraps it. */
interface Joining {
  readonly kind: "joining";
  readonly offer: JoinOffer;
  /** Undefined: the seals do it. */
  readonly session: UnsealSession<Uint8Array> | undefined;
}

/** Shares given towards unsealing a member, for one purpose. */
type Unsealing = UnsealSession<BarrierKeys> & { readonly migrates: boolean };

export interface SealLifecycle extends SealControl {
  readonly stage: () => Stage["kind"];
  /** Asks one node of a cluster what joining takes; false where this node is busy with something else. Rejects with RequestError. */
  join(request: JoinRequest): Promise<boolean>;
  /** At the start: unseals by itself where the seals can. Never rejects; goes on in the background. */
  begin(): Promise<void>;
  /** On the active node, at its activation and now and then: migrates the seal, and wraps the root key where a seal lacks it. */
  maintain(): Promise<void>;
  stop(): void;
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
  readonly seals: NodeSeals;
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

/** When one of these changes, shares are asked for otherwise, or a seal may open what it could not. */
const SEAL_KEYS = [SEAL_CONFIG_KEY, RECOVERY_CONFIG_KEY, ROOT_KEY_WRAPS_KEY];

function forget({ rootKey, keyring }: BarrierKeys): void {
  rootKey.fill(0);
  for (const { key } of keyring) key.fill(0);
}

/** A port in use, a full disk: who gave the command can do something about it. */
function told(what: string, error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError("internal", `${what}: ${error instanceof Error ? error.message : String(error)}`);
}

function drop({ offer, session }: Joining): void {
  session?.reset();
  offer.leader.close();
}

export function createSealLifecycle(options: SealLifecycleOptions): SealLifecycle {
  const { log, store, barrier, env, seals, logger, clusterName, rootTokenText } = options;
  let stage: Stage = options.isMember ? { kind: "member" } : { kind: "new" };
  let session: Unsealing | undefined;
  /** An operator sealed this node: it stays so until one unseals it, or it starts again. */
  let isHeld = false;

  const raw = { getRaw: (key: string) => store.evaluate((tx) => tx.getRaw(key)).value };
  const memberConfig = () => (stage.kind === "member" ? readSealConfig(raw) : undefined);
  const upkeep = createSealUpkeep({ store, barrier, seals, logger });

  /** What the state is sealed by, against what the configuration asks for. */
  function sealing(): { readonly type: string; readonly isAuto: boolean; readonly migrates: boolean } | undefined {
    const config = memberConfig();
    if (!config) return undefined;
    const isAuto = isAutoSealed(config);
    return { type: config.type, isAuto, migrates: isAuto !== (seals.type !== "shamir") && (!isAuto || seals.all.length > 0) };
  }

  function tellOfMigration(): void {
    const found = sealing();
    if (found?.migrates) logger.warn("a migration of the seal is pending, so this node does not unseal by itself: give it the key shares with operator unseal -migrate", { from: found.type, to: seals.type });
  }

  const autoUnseal = createAutoUnseal({
    logger,
    isDue() {
      if (!barrier.sealed() || isHeld) return false;
      if (stage.kind === "joining") return stage.session === undefined;
      const found = sealing();
      return found !== undefined && found.isAuto && !found.migrates;
    },
    async attempt() {
      const before = stage;
      if (before.kind !== "joining") return unlock(await keysBySeals(raw, seals));
      const rootKey = await seals.unwrap(before.offer.wraps);
      if (stage === before) await finishJoin(before, rootKey);
      else rootKey.fill(0);
    },
  });

  function dropSession(): void {
    session?.reset();
    session = undefined;
  }

  function unlock(keys: BarrierKeys): void {
    // Two requests may bring the last share at once.
    if (!barrier.sealed()) return forget(keys);
    barrier.unlock(keys);
    isHeld = false;
    dropSession();
    options.onUnsealed();
    logger.info("vault is unsealed");
  }

  function lock(reason: string): void {
    if (barrier.sealed()) return;
    barrier.seal();
    upkeep.drop();
    store.clearCache();
    options.onSealed();
    logger.info("vault is sealed", { reason });
  }

  function followState(): void {
    try {
      const found = followKeys(raw, { rootKey: barrier.rootKey(), keyring: barrier.keyring() });
      if (found) barrier.unlock(found);
      else lock("the state holds no keyring");
    } catch (error) {
      // Without the keys that the state is sealed with, this node would only write what nobody can read.
      lock(error instanceof BarrierError ? "the state is sealed with other keys now: unseal with the shares of its cluster" : "the keyring cannot be read");
    }
  }

  // The keyring changes by rotation, by rekeying, and by a restore; a restore of another cluster's state needs that cluster's shares.
  log.onApplied(({ keys, reset }) => {
    const isSealChanged = reset || SEAL_KEYS.some((key) => keys.includes(key));
    // Shares given so far were meant for what the state was before.
    if (isSealChanged) dropSession();
    if (stage.kind !== "member") return;
    if (!barrier.sealed() && (reset || keys.includes(KEYRING_KEY))) followState();
    if (!barrier.sealed() && isSealChanged && sealing()?.migrates === false) upkeep.drop();
    if (barrier.sealed() && (isSealChanged || keys.includes(KEYRING_KEY))) void autoUnseal.wake();
  });

  /** What an operator is to know: why this node is sealed, or that it would have trouble after its next start. */
  function warnings(): readonly string[] {
    if (barrier.sealed()) {
      const problem = autoUnseal.problem();
      return problem === undefined ? [] : [problem];
    }
    return seals.backends().flatMap(({ name, unhealthySince }) => (unhealthySince === undefined ? [] : `the seal ${JSON.stringify(name)} cannot be used since ${new Date(unhealthySince).toISOString()}: this node serves on, and its log says why`));
  }

  function status(): SealStatus {
    const base = { storageType: options.storageType, warnings: warnings() };
    if (stage.kind === "joining") {
      const { offer, session: joining } = stage;
      return { ...base, type: offer.type, recoverySeal: joining === undefined, initialized: true, sealed: true, threshold: offer.threshold, shares: offer.shares, progress: joining?.progress() ?? 0, nonce: joining?.nonce() ?? "" };
    }
    const config = memberConfig();
    if (!config) return { ...base, type: seals.type, recoverySeal: seals.type !== "shamir", initialized: false, sealed: true, threshold: 0, shares: 0, progress: 0, nonce: "" };
    const { secret_threshold: threshold, secret_shares: shares, kind } = readQuorum(raw);
    const migration = sealing()?.migrates ?? false;
    // While a migration is pending, what it leads to is told, as Vault does.
    const type = migration ? seals.type : config.type;
    return { ...base, type, recoverySeal: migration ? type !== "shamir" : kind === "recovery", initialized: true, sealed: barrier.sealed(), threshold, shares, progress: session?.progress() ?? 0, nonce: session?.nonce() ?? "", migration };
  }

  async function init(request: InitRequest): Promise<InitResult> {
    if (stage.kind === "busy") throw invalid(`this node is ${stage.doing}`);
    if (stage.kind !== "new") throw invalid("Vault is already initialized");
    stage = { kind: "busy", doing: "being initialized" };
    try {
      const plan = await planFirstState(request, { seals });
      const made = await options.found(() => writeFirstState(plan, { store, barrier, env, seals, clusterName, ...(rootTokenText !== undefined && { rootTokenText }) }));
      stage = { kind: "member" };
      logger.info("initialized", { shares: plan.shares, threshold: plan.threshold, seal: seals.type });
      return made;
    } catch (error) {
      stage = { kind: "new" };
      throw told("the cluster could not be initialized", error);
    } finally {
      // As in Vault: the first unsealing shows that the shares are in safe hands, or that the seals work.
      barrier.seal();
      store.clearCache();
      await autoUnseal.wake();
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
    const { sealedRootKey } = offer;
    stage = { kind: "joining", offer, session: sealedRootKey && createUnsealSession(offer.threshold, env.uuid, (unsealKey) => openRootKey(unsealKey, sealedRootKey)) };
    logger.info(sealedRootKey ? "may join the cluster once it is given the unseal keys" : "may join the cluster once its seals have unwrapped the root key", { via: request.leaderApiAddress });
    void autoUnseal.wake();
    return true;
  }

  async function finishJoin({ offer }: Joining, rootKey: Uint8Array): Promise<void> {
    stage = { kind: "busy", doing: "joining the cluster" };
    let next: Stage = { kind: "new" };
    try {
      await options.enter(offer, rootKey);
      next = { kind: "member" };
      unlock(await firstKeyring(log, raw, rootKey));
    } catch (error) {
      rootKey.fill(0);
      throw told("this node could not join", error);
    } finally {
      stage = next;
      offer.leader.close();
    }
  }

  async function unsealJoining(joining: Joining, share: Uint8Array): Promise<SealStatus> {
    if (!joining.session) throw invalid(`this node joins by its seals, without key shares${autoUnseal.problem() === undefined ? "" : `; so far it could not: ${autoUnseal.problem()}`}`);
    const rootKey = await joining.session.add(share);
    if (!rootKey) return status();
    // Another request was faster: joining twice would delete what the first is receiving.
    if (stage === joining) await finishJoin(joining, rootKey);
    else rootKey.fill(0);
    return status();
  }

  /** What the combined key opens. Under an auto seal it opens nothing by itself, and shows that a quorum wants it. */
  async function keysBy(quorum: Quorum, quorumKey: Uint8Array, migrates: boolean): Promise<BarrierKeys> {
    const keys = quorum.kind === "unseal" ? keysByUnsealKey(raw, quorumKey) : await keysBySeals(raw, seals);
    if (quorum.kind === "recovery" && !isQuorumKey(raw, keys, quorum, quorumKey)) {
      forget(keys);
      throw invalid("unseal failed, invalid key");
    }
    if (migrates) upkeep.agree(quorumKey);
    return keys;
  }

  async function unseal(share: Uint8Array, asksToMigrate = false): Promise<SealStatus> {
    if (stage.kind === "joining") return unsealJoining(stage, share);
    if (stage.kind === "busy") throw invalid(`this node is ${stage.doing}`);
    if (!barrier.sealed()) return status();
    const found = sealing();
    if (!found) throw invalid("Vault is not initialized");
    // Where its disabled seals are still configured, this node comes after the one that has migrated: its shares unseal it.
    const isMigrated = !found.migrates && !found.isAuto && seals.all.length > 0;
    const migrates = asksToMigrate && !isMigrated;
    if (migrates && !found.migrates) throw invalid(`can't perform a seal migration, no migration seal found: this node's configuration asks for no other seal than it has (${found.type}); unseal without -migrate`);
    if (!migrates && found.migrates) throw invalid("migrate option not provided and seal migration is pending");
    if (found.isAuto && seals.all.length === 0) throw invalid(`the root key is wrapped by ${readWraps(raw).map(({ type }) => type).join(", ")}: this node's configuration has to name that seal`);
    if (session?.migrates !== migrates) dropSession();
    const quorum = readQuorum(raw);
    if (quorum.secret_threshold === 0) throw invalid("there are no recovery keys: this node unseals by its seals at its next start");
    session ??= { ...createUnsealSession(quorum.secret_threshold, env.uuid, (key) => keysBy(quorum, key, migrates)), migrates };
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
    begin() {
      tellOfMigration();
      return autoUnseal.wake();
    },
    maintain: () => upkeep.maintain(),
    backends: () => seals.backends(),
    isFullyWrapped: () => seals.isCurrent(readWraps(raw)),
    resetUnseal() {
      if (stage.kind === "joining") stage.session?.reset();
      session?.reset();
      return status();
    },
    async seal() {
      if (barrier.sealed()) return;
      await options.beforeSeal();
      isHeld = true;
      lock("asked by an operator");
    },
    stop() {
      autoUnseal.stop();
      upkeep.drop();
      seals.close();
    },
  };
}

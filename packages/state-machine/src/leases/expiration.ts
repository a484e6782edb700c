import type { Engine, EngineLog, Environment, MountEntry, WriteMount } from "../framework/engine.js";
import type { CompiledEngine } from "../framework/index.js";
import { createIntentLedger } from "../intents/index.js";
import { listMounts, reapMounts } from "../mounts/index.js";
import { passwordBy } from "../passwords/index.js";
import type { Store } from "../store/index.js";
import { parseExpiry } from "../tokens/index.js";
import type { Due } from "../tokens/index.js";
import { LeaseError, createExpire } from "./expire.js";
import { createGather } from "./gather.js";
import type { Pace } from "./gather.js";
import { getLease, reschedule } from "./lease.js";

export interface ExpirationOptions {
  readonly store: Store;
  readonly env: Environment;
  readonly engineFor: (entry: MountEntry) => CompiledEngine | undefined;
  readonly mountOf: (entry: MountEntry) => WriteMount;
  readonly onError: (what: string, error: unknown) => void;
  /** How many requests clients have made so far, for which what expires makes room. Absent: there are none. */
  readonly requests?: () => number;
  /** Absent: by timers. */
  readonly pace?: Pace;
  /** Where a mount's periodic work writes what nobody gets an answer about. */
  readonly logOf?: (entry: MountEntry) => EngineLog;
}

export interface ExpirationWorker {
  /** Does what is due now, a bounded slice of it. True when more is due. */
  step(): Promise<boolean>;
}

/** Read and dealt with in one step. */
const SLICE = 256;
/** Of them at the same time: they are committed in groups, and a slow one does not hold up the rest. */
const CONCURRENCY = 32;
const GONE = 64;
const REAPED_KEYS = 256;
/** So many failures of one mount in a step, and its other leases wait: what does not answer one will not answer the next. */
const MAX_FAILURES_OF_MOUNT = 8;
const MOUNT_PAUSE_MS = 15_000;

/**
 * The time-driven work of the active node. It reads the expiry index from its beginning, so it holds nothing in memory and
 * costs nothing at start, however many tokens and leases there are.
 */
export function createExpirationWorker({ store, env, engineFor, mountOf, onError, requests = () => 0, pace, logOf }: ExpirationOptions): ExpirationWorker {
  const gather = createGather({ commit: store.commit, requests, ...(pace && { pace }) });
  const expire = createExpire({ store, env, gather, engineFor, mountOf });

  async function dueNow(): Promise<Due[]> {
    const { value } = await store.evaluate((tx) => tx.keys("core/expire/", { limit: SLICE }));
    const now = env.now();
    return value.map(parseExpiry).filter((due) => due.dueMs <= now);
  }

  async function expireAll(due: readonly Due[]): Promise<void> {
    const failures = new Map<string, number>();
    const waiting = due[Symbol.iterator]();
    // Each begins in a turn of the event loop of its own: requests come in between, and their answers do not all come together.
    let turn: Promise<void> = Promise.resolve();
    const ownTurn = () => (turn = turn.then(() => new Promise(setImmediate)));
    const lane = async (): Promise<void> => {
      // Lanes share the iterator: each takes what is next.
      for (const one of waiting) {
        await ownTurn();
        try {
          if (one.kind !== "lease" || !putOff(one, failures)) await expire[one.kind](one);
        } catch (error) {
          if (error instanceof LeaseError) failures.set(error.mountUuid, (failures.get(error.mountUuid) ?? 0) + 1);
          onError(WORDS[one.kind], error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, due.length) }, lane));
    await pause(due, failures);
  }

  const mountUuid = (id: string): string | undefined => store.evaluate((tx) => getLease(tx.scoped("core/"), id)?.mountUuid).value;
  const isTroubled = (uuid: string | undefined, failures: ReadonlyMap<string, number>) => uuid !== undefined && (failures.get(uuid) ?? 0) >= MAX_FAILURES_OF_MOUNT;
  const putOff = ({ id }: Due, failures: ReadonlyMap<string, number>): boolean => failures.size > 0 && isTroubled(mountUuid(id), failures);

  /** Those that were put off wait a while, so that they are not all that the next step sees. They have not been tried. */
  async function pause(due: readonly Due[], failures: ReadonlyMap<string, number>): Promise<void> {
    if (![...failures.values()].some((count) => count >= MAX_FAILURES_OF_MOUNT)) return;
    await store.transact((tx) => {
      const core = tx.scoped("core/");
      for (const { kind, id } of due) {
        const lease = kind === "lease" ? getLease(core, id) : undefined;
        if (lease && lease.dueMs <= env.now() && isTroubled(lease.mountUuid, failures)) reschedule(core, lease, env.now() + MOUNT_PAUSE_MS);
      }
    });
  }

  async function cleanCubbyholes(): Promise<boolean> {
    const { value } = await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      const gone = await core.list("token/gone/", { limit: GONE });
      const cubbyhole = listMounts(core, "secret").find(({ type }) => type === "cubbyhole");
      for (const id of gone) {
        if (cubbyhole) for (const key of await tx.keys(`logical/${cubbyhole.uuid}/${id}/`)) tx.delete(`logical/${cubbyhole.uuid}/${id}/${key}`);
        core.delete(`token/gone/${id}`);
      }
      return gone.length === GONE;
    });
    return value;
  }

  async function workOf(engine: Engine, entry: MountEntry): Promise<boolean> {
    const ledger = createIntentLedger(store, env);
    let applied = false;
    try {
      const { value, outcome } = await store.transact((tx) =>
        engine.periodic!(tx.scoped(`logical/${entry.uuid}/`), { ...mountOf(entry), intents: ledger.intents(tx, entry, engine), password: (policy) => passwordBy(tx.scoped("core/"), policy, env), ...(logOf && { log: logOf(entry) }) }),
      );
      applied = outcome.outcome === "applied";
      return value;
    } finally {
      await ledger.settle(applied);
    }
  }

  /** Each mount's own work, a slice of it; one that fails does not keep the others from theirs. */
  async function workOfEngines(): Promise<boolean> {
    const { value: mounts } = store.evaluate((tx) => listMounts(tx.scoped("core/")));
    let more = false;
    for (const entry of mounts) {
      const engine = engineFor(entry)?.engine;
      if (!engine?.periodic) continue;
      try {
        if (await workOf(engine, entry)) more = true;
      } catch (error) {
        onError(`the periodic work of ${entry.path}`, error);
      }
    }
    return more;
  }

  return {
    async step() {
      const due = await dueNow();
      await expireAll(due);
      const moreGone = await cleanCubbyholes();
      const moreWork = await workOfEngines();
      const reaped = await store.transact((tx) => reapMounts(tx, REAPED_KEYS));
      // What is done in slices, and what those slices made due, is not waited for.
      const isSliced = due.some(({ kind }) => kind !== "token" && kind !== "lease" && kind !== "login" && kind !== "lockout" && kind !== "intent");
      return due.length === SLICE || isSliced || moreGone || moreWork || reaped.value;
    },
  };
}

/** What is said of a failure. */
const WORDS: Readonly<Record<Due["kind"], string>> = {
  token: "expiring a token",
  lease: "revoking a lease",
  login: "forgetting a login without its second factor",
  code: "forgetting an authorization code that nobody exchanged",
  lockout: "forgetting failed logins",
  intent: "undoing what a failed request began",
  tree: "revoking the children of a token",
  orphans: "making orphans of the children of a token",
  owner: "ending the leases of a token",
  sweep: "revoking by prefix",
  tidy: "tidying up",
};

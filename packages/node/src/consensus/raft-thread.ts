import { Worker } from "node:worker_threads";
import type { AppliedBatch, BarrierOutcome, Leadership, ProposeOutcome, ReplicatedLog } from "@coffer/state-machine";
import { createBundler } from "./bundle.js";
import { packProposals } from "./proposals.js";
import type { Proposal } from "./proposals.js";
import type { CallName, Calls, FromWorker, LeadershipChange, ToWorker, WorkerStart } from "./protocol.js";

/** Why a raft thread ended, or could not start. */
export class RaftThreadError extends Error {
  override readonly name = "RaftThreadError";
  constructor(
    message: string,
    /** The disk is full or fails: another try may succeed once it does not. */
    readonly disk: boolean,
  ) {
    super(message);
  }
}

export interface RaftThreadEvents {
  /** A request another node forwarded to this one; answer with the response's bytes. */
  readonly onForward: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly onLog: (level: string, message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** The member has stopped: an invariant failed, or the disk did (RaftThreadError). */
  readonly onFatal: (error: RaftThreadError) => void;
  /** The state was replaced and lives in another folder now: readers reopen before anything else hears of it. */
  readonly onReset: (stateDirectory: string) => Promise<void>;
}

export interface RaftThread extends ReplicatedLog {
  readonly stateDirectory: string;
  call<N extends CallName>(name: N, argument: Calls[N]["argument"]): Promise<Calls[N]["answer"]>;
  setCanLead(canLead: boolean): void;
  /** Its disk neither writes nor fails. */
  isDiskStalled(): boolean;
  readonly leader: () => LeadershipChange;
  /** Gives the function that ends it. */
  onLeader(listener: (change: LeadershipChange) => void): () => void;
  stop(): Promise<void>;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * What V8 lets young objects take before it looks which still live. By default 48 MiB: the memory of frames and entries, which
 * hangs on such objects, then grew so much in between that the old ones were looked through as well, two or three times a second.
 */
const YOUNG_MIB = 12;

const NO_LEADER: LeadershipChange = { isLeader: false, ready: false, leaderId: undefined, leaderAddress: undefined, term: 0 };

/** Starts the worker thread in which consensus lives, and speaks for it on this one. */
export async function startRaftThread(options: WorkerStart, events: RaftThreadEvents): Promise<RaftThread> {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { name: "raft", resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
  const pending = new Map<number, Pending>();
  const appliedListeners = new Set<(batch: AppliedBatch) => void>();
  const leaderListeners = new Set<(change: LeadershipChange) => void>();
  const waiters: { index: number; wake: () => void }[] = [];
  let nextId = 1;
  let appliedIndex = 0;
  let leader = NO_LEADER;
  let stateDirectory = "";
  let isDiskStalled = false;
  let stopped = false;
  let stopping: Promise<void> | undefined;

  const bundler = createBundler<ToWorker>(worker);
  const post = (message: ToWorker) => bundler.post(message);

  function call<N extends CallName>(name: N, argument: Calls[N]["argument"]): Promise<Calls[N]["answer"]> {
    if (stopped) return Promise.reject(new Error("the raft thread has stopped"));
    const id = nextId++;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve: resolve as (value: never) => void, reject });
      post({ type: "call", id, name, argument });
    });
  }

  /** Of this turn. */
  let proposed: Proposal[] = [];
  function takeProposed(): ToWorker {
    const taken = proposed;
    proposed = [];
    return { type: "proposals", ...packProposals(taken) };
  }

  function propose(entry: Uint8Array, term: number): Promise<ProposeOutcome> {
    if (stopped) return Promise.resolve({ outcome: "not-leader" });
    const id = nextId++;
    return new Promise((resolve) => {
      pending.set(id, { resolve: resolve as (value: never) => void, reject: () => resolve({ outcome: "unknown" }) });
      if (proposed.length === 0) bundler.post(takeProposed);
      proposed.push({ id, term, entry });
    });
  }

  function settle(id: number, value: unknown): void {
    pending.get(id)?.resolve(value as never);
    pending.delete(id);
  }

  function applied(batch: AppliedBatch): void {
    appliedIndex = batch.index;
    for (const listener of appliedListeners) listener(batch);
    for (let i = waiters.length - 1; i >= 0; i--) {
      if (waiters[i]!.index <= appliedIndex) waiters.splice(i, 1)[0]!.wake();
    }
  }

  function lose(message: string, disk = false): void {
    if (stopped) return;
    stopped = true;
    leader = NO_LEADER;
    for (const listener of leaderListeners) listener(leader);
    for (const { reject } of pending.values()) reject(new Error(message));
    pending.clear();
    events.onFatal(new RaftThreadError(message, disk));
  }

  // A reset makes this side wait for its readers; what the worker says meanwhile is held, in order, behind it.
  let held: FromWorker[] | undefined;
  function receive(message: FromWorker): void {
    if (held) {
      held.push(message);
      return;
    }
    const waiting = handle(message);
    if (!waiting) return;
    held = [];
    waiting.then(() => {
      const rest = held ?? [];
      held = undefined;
      rest.forEach(receive);
    }).catch((error: Error) => lose(`the new state cannot be read: ${error.message}`));
  }

  function handle(message: FromWorker): Promise<void> | undefined {
    switch (message.type) {
      case "started":
      case "log":
        if (message.type === "log") events.onLog(message.level, message.message, message.fields);
        return undefined;
      case "answer":
        settle(message.id, message.value);
        return undefined;
      case "failed":
        pending.get(message.id)?.reject(new Error(message.message));
        pending.delete(message.id);
        return undefined;
      case "committed":
        message.ids.forEach((id, i) => settle(id, { outcome: "applied", index: message.indexes[i]! } satisfies ProposeOutcome));
        return undefined;
      case "applied":
        if (!message.reset) {
          applied({ index: message.index, keys: message.keys });
          return undefined;
        }
        stateDirectory = message.reset.stateDirectory;
        return events.onReset(stateDirectory).then(() => applied({ index: message.index, keys: [], reset: true }));
      case "leadership":
        leader = message.change;
        for (const listener of leaderListeners) listener(leader);
        return undefined;
      case "forward":
        void events.onForward(message.bytes).then((bytes) => post({ type: "forwarded", id: message.id, bytes }));
        return undefined;
      case "disk":
        isDiskStalled = message.isStalled;
        return undefined;
      case "fatal":
        lose(message.message, message.disk);
        return undefined;
    }
  }

  let isStarted = false;
  await new Promise<void>((resolve, reject) => {
    const end = (message: string, disk = false) => (isStarted ? lose(message, disk) : reject(new RaftThreadError(message, disk)));
    worker.on("error", (error) => end(error.message));
    worker.on("exit", (code) => end(`the raft thread ended with ${code}`));
    worker.on("message", (messages: readonly FromWorker[]) => {
      for (const message of messages) {
        if (message.type === "started") {
          isStarted = true;
          stateDirectory = message.stateDirectory;
          appliedIndex = message.appliedIndex;
          resolve();
        } else if (message.type === "fatal" && !isStarted) end(message.message, message.disk);
        else receive(message);
      }
    });
    post({ type: "start", options });
  }).catch(async (error: unknown) => {
    stopped = true;
    await worker.terminate();
    throw error;
  });

  async function end(): Promise<void> {
    try {
      if (!stopped) await call("stop", null);
    } finally {
      stopped = true;
      await worker.terminate();
    }
  }

  const leadership = (): Leadership => ({ isLeader: leader.isLeader && leader.ready, leaderId: leader.leaderId, term: leader.term });
  return {
    get stateDirectory() {
      return stateDirectory;
    },
    call,
    propose,
    readBarrier: () => call("readBarrier", null).catch((): BarrierOutcome => ({ outcome: "no-leader" })),
    appliedIndex: () => appliedIndex,
    waitApplied(index, timeoutMs) {
      if (appliedIndex >= index) return Promise.resolve(true);
      return new Promise((resolve) => {
        const waiter = { index, wake: () => (clearTimeout(timer), resolve(true)) };
        const timer = setTimeout(() => {
          waiters.splice(waiters.indexOf(waiter), 1);
          resolve(false);
        }, timeoutMs);
        waiters.push(waiter);
        post({ type: "awaited", index });
      });
    },
    leadership,
    leader: () => leader,
    onApplied(listener) {
      appliedListeners.add(listener);
      return () => void appliedListeners.delete(listener);
    },
    onLeader(listener) {
      leaderListeners.add(listener);
      return () => void leaderListeners.delete(listener);
    },
    onLeadership: (listener) => void leaderListeners.add(() => listener(leadership())),
    isDiskStalled: () => isDiskStalled,
    setCanLead: (canLead) => post({ type: "can-lead", canLead }),
    stop: () => (stopping ??= end()),
  };
}

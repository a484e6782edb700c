import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { recoveryFile } from "@coffer/raft";
import { RaftThreadError } from "../consensus/raft-thread.js";
import { createDiskWait } from "./disk-wait.js";
import { foundIdentity } from "./founding.js";
import { proveAndJoin } from "./joining.js";
import type { JoinOffer } from "./joining.js";
import { startMember } from "./member.js";
import type { Member, MemberOptions } from "./member.js";
import { dropUnfinished, readIdentity, requireLog, writeIdentity } from "./node-identity.js";
import type { NodeIdentity } from "./node-identity.js";

/** Whether this node is part of a cluster, and how it gets to be. */
export interface Membership {
  current(): Member | undefined;
  /** Why this node takes no part, or not as it should, until its disk is well; undefined while it is. */
  diskFault(): string | undefined;
  /** Takes up what the data folder says; false where it says nothing. */
  resume(): Promise<boolean>;
  /** A new cluster with this node as its first member; `write` runs once it leads. Undone when that rejects. Only where there is no member yet. */
  found<T>(write: () => Promise<T>): Promise<T>;
  /** Becomes a member of the cluster that made the offer. Only where there is no member yet; may be repeated after a failure. */
  enter(offer: JoinOffer, rootKey: Uint8Array): Promise<void>;
  onStart(listener: (member: Member) => void): void;
  stop(): Promise<void>;
}

/** Who it is, and whether it founds the cluster, turns out on the way. */
export type MembershipOptions = Omit<MemberOptions, "identity" | "bootstrap" | "onFatal"> & {
  /** This node takes no part any more, and cannot by itself. */
  readonly onFatal: (message: string) => void;
};

/** A node alone leads after its first election timeout. Milliseconds. */
const FIRST_LEADERSHIP_MS = 30_000;

const UNWRITABLE = "this node's disk cannot be written: it takes no part in the cluster until that can be done again";
const HANGING = "this node's disk does not answer: it acknowledges nothing, and leads no more where another can, until it does";

export function createMembership(options: MembershipOptions): Membership {
  const { path, nodeId } = options.storage;
  const listeners: ((member: Member) => void)[] = [];
  let member: Member | undefined;
  const waiting = createDiskWait(path);
  let isWaiting = false;

  async function start(identity: NodeIdentity, bootstrap: boolean): Promise<Member> {
    const started = await startMember({ ...options, identity, bootstrap, onFatal: (error) => void failed(error) });
    member = started;
    for (const listener of listeners) listener(started);
    return started;
  }

  /** A disk that is full or fails is waited for; the node meanwhile takes no part, keeps its keys, and says why. */
  async function failed(error: RaftThreadError): Promise<void> {
    try {
      const identity = readIdentity(path);
      if (!error.disk || !identity || identity.origin === "founding") throw error;
      isWaiting = true;
      options.logger.error(UNWRITABLE, { reason: error.message });
      while (await waiting.untilWritable()) if (await beginAnew(identity)) return;
    } catch (cause) {
      options.onFatal(cause instanceof Error ? cause.message : String(cause));
    }
  }

  /** False where the disk fails again. */
  async function beginAnew(identity: NodeIdentity): Promise<boolean> {
    const former = member;
    member = undefined;
    await former?.stop({ message: "this node's disk cannot be written: it takes no part in the cluster" });
    try {
      await start(identity, false);
    } catch (error) {
      if (error instanceof RaftThreadError && error.disk) return false;
      throw error;
    }
    isWaiting = false;
    options.logger.info("the disk can be written again: this node takes part in the cluster");
    if (waiting.isStopped()) await leave();
    return true;
  }

  async function takePart(identity: NodeIdentity): Promise<void> {
    await start(identity, false);
    if (identity.origin === "joining") writeIdentity(path, { ...identity, origin: "joiner" });
  }

  /** By another name, so that nobody who has missed what is written from now on can ever speak to it. */
  function leaveOthers(identity: NodeIdentity): NodeIdentity {
    const peers = recoveryFile(path);
    if (existsSync(peers)) throw new Error(`${peers} names servers for the next start, and recovery mode makes this node the only one: remove it first`);
    const alone = { ...identity, clusterId: randomUUID() };
    writeIdentity(path, alone);
    return alone;
  }

  /** What is deleted next must not be in use. */
  function requireOutside(): void {
    if (member) throw new Error("this node is a member of a cluster already");
  }

  async function leave(): Promise<void> {
    const stopping = member;
    member = undefined;
    await stopping?.stop();
  }

  return {
    current: () => member,
    diskFault: () => (isWaiting ? UNWRITABLE : member?.thread.isDiskStalled() ? HANGING : undefined),
    async resume() {
      const identity = readIdentity(path);
      if (!identity) return false;
      if (identity.origin === "founding") {
        options.logger.warn("an initialization did not finish; nobody got its keys, so what it left is deleted");
        dropUnfinished(path);
        return false;
      }
      if (identity.nodeId !== nodeId) throw new Error(`the data in ${path} is that of node ${JSON.stringify(identity.nodeId)}, the configuration says node_id = ${JSON.stringify(nodeId)}`);
      if (identity.origin !== "joining") requireLog(path, identity);
      await takePart(options.alone ? leaveOthers(identity) : identity);
      return true;
    },
    async found(write) {
      requireOutside();
      dropUnfinished(path);
      const identity = await foundIdentity(nodeId);
      writeIdentity(path, identity);
      try {
        await leading(await start(identity, true));
        const result = await write();
        writeIdentity(path, { ...identity, origin: "founder" });
        return result;
      } catch (error) {
        await leave();
        dropUnfinished(path);
        throw error;
      }
    },
    async enter(offer, rootKey) {
      requireOutside();
      const identity = await proveAndJoin(offer, rootKey, nodeId, options.advertise);
      dropUnfinished(path);
      writeIdentity(path, identity);
      await takePart(identity);
    },
    onStart: (listener) => void listeners.push(listener),
    async stop() {
      waiting.stop();
      await leave();
    },
  };
}

function leading({ thread }: Member): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopLooking();
      reject(new Error(`this node did not become leader of its own cluster within ${FIRST_LEADERSHIP_MS / 1000} s`));
    }, FIRST_LEADERSHIP_MS);
    const look = () => {
      if (!thread.leadership().isLeader) return;
      clearTimeout(timer);
      stopLooking();
      resolve();
    };
    const stopLooking = thread.onLeader(look);
    look();
  });
}

import { openStateReader } from "@coffer/state-machine";
import type { ReopenableReader } from "@coffer/state-machine";
import { startRaftThread } from "../consensus/raft-thread.js";
import type { LeadershipChange } from "../consensus/protocol.js";
import type { RaftThread, RaftThreadError } from "../consensus/raft-thread.js";
import type { Replica } from "../consensus/replica.js";
import type { RaftStorage } from "../configuration/types.js";
import { createActiveNodeClient } from "../forwarding/client.js";
import type { ActiveNodeClient } from "../forwarding/client.js";
import type { Level, Logger } from "../logging/logger.js";
import { isLevel } from "../logging/logger.js";
import type { NodeIdentity } from "./node-identity.js";

/** This node's part in a cluster: its raft thread, its replica, and its line to the node that leads. */
export interface Member {
  readonly identity: NodeIdentity;
  readonly thread: RaftThread;
  readonly active: ActiveNodeClient;
  /** Resolves once no other node waits for an answer of this one, or after `graceMs`. They leave it when another one leads. */
  questionsAnswered(graceMs: number): Promise<void>;
  /** With `pausing`, the replica is not emptied but cannot be read until another member takes its place. */
  stop(pausing?: { readonly message: string }): Promise<void>;
}

export interface MemberOptions {
  readonly storage: RaftStorage;
  readonly identity: NodeIdentity;
  /** host:port of the cluster listener, as bound and as the other nodes reach it. */
  readonly listen: string;
  readonly advertise: string;
  readonly bootstrap: boolean;
  /** Recovery mode: this node becomes the only one of its cluster, and nobody reaches it. */
  readonly alone?: boolean;
  readonly replica: Replica;
  /** A question of another node; see forwarding/wire.ts. */
  readonly onQuestion: (payload: Uint8Array) => Promise<Uint8Array>;
  readonly onFatal: (error: RaftThreadError) => void;
  /** See createActiveNodeClient. */
  readonly answerTimeoutMs: number | undefined;
  readonly logger: Logger;
}

export async function startMember(options: MemberOptions): Promise<Member> {
  const { storage, identity, replica, logger } = options;
  // A state may be replaced before the first one could be opened here.
  let opened: (reader: ReopenableReader) => void = () => undefined;
  const ready = new Promise<ReopenableReader>((resolve) => (opened = resolve));
  const thread = await startRaftThread(
    {
      nodeId: identity.nodeId,
      directory: storage.path,
      listen: options.listen,
      advertise: options.advertise,
      bootstrap: options.bootstrap,
      alone: options.alone ?? false,
      clusterId: identity.clusterId,
      tls: { ca: identity.tls.ca, certificate: identity.tls.certificate, key: identity.tls.key },
      performanceMultiplier: storage.performanceMultiplier,
      readLease: storage.readLease,
      trailingLogs: storage.trailingLogs,
      snapshotThreshold: storage.snapshotThreshold,
    },
    {
      onForward: options.onQuestion,
      onLog: (level, message, fields) => logger.log(isLevel(level) ? level : ("info" satisfies Level), message, fields),
      onFatal: options.onFatal,
      async onReset(directory) {
        const reader = await ready;
        await reader.reopen(directory);
        // Deleting the old folder may wait for snapshots that long reads hold; nobody waits for it.
        void reader.released().then(() => thread.call("dropRetired", null)).catch(() => undefined);
      },
    },
  );
  const reader = await openStateReader(thread.stateDirectory).catch(async (error: unknown) => {
    await thread.stop();
    throw error;
  });
  opened(reader);
  const active = createActiveNodeClient(identity.tls, identity.clusterId, options.answerTimeoutMs);
  const followLeader = ({ isLeader, leaderAddress }: LeadershipChange) => (isLeader ? active.pointHere() : active.pointTo(leaderAddress));
  followLeader(thread.leader());
  thread.onLeader(followLeader);
  replica.attach(thread, reader);
  return {
    identity,
    thread,
    active,
    async questionsAnswered(graceMs) {
      await thread.call("questionsAnswered", graceMs).catch(() => null);
    },
    async stop(pausing) {
      if (pausing) replica.pause(pausing.message);
      else replica.detach();
      active.close();
      await reader.close();
      await thread.stop();
    },
  };
}

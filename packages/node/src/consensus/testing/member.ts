import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { freePort } from "@coffer/counterparts";
import { clusterTls } from "../../forwarding/testing/question-server.js";
import { until } from "../../server/testing/test-node.js";
import type { WorkerStart } from "../protocol.js";
import { startRaftThread } from "../raft-thread.js";
import type { RaftThread, RaftThreadEvents } from "../raft-thread.js";

type Test = Pick<TestContext, "after">;

/** Of a cluster of one. */
export async function optionsIn(directory: string, port?: number): Promise<WorkerStart> {
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  return { nodeId: "n1", directory, listen: address, advertise: address, bootstrap: true, alone: false, clusterId: "c1", tls: await clusterTls(), performanceMultiplier: 1, readLease: false, trailingLogs: undefined, snapshotThreshold: undefined };
}

export const EVENTS: RaftThreadEvents = { onForward: async (bytes: Uint8Array) => bytes, onLog: () => undefined, onFatal: (error) => assert.fail(error), onReset: async () => undefined };

export async function leading(t: Test, directory: string, events: Partial<RaftThreadEvents> = {}): Promise<RaftThread> {
  const thread = await startRaftThread(await optionsIn(directory), { ...EVENTS, ...events });
  t.after(() => thread.stop());
  await until("it leads", () => thread.leadership().isLeader);
  return thread;
}

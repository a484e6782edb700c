import assert from "node:assert/strict";
import test from "node:test";
import type { CoreStatus } from "../core/api.js";
import type { Entry } from "../core/types.js";
import { toStatus } from "./status.js";

const entry = (index: number, term: number): Entry => ({ index, term, kind: "normal", data: new Uint8Array(0) });

test("the term of a server's last entry is known before the entry is on disk", () => {
  const server = { id: "n1", address: "h:1", voter: true };
  const follower = { id: "n2", address: "h:2", voter: true };
  const behind = { id: "n3", address: "h:3", voter: true };
  const status: CoreStatus = {
    role: "leader", leader: "n1", term: 3, vote: "n1", commitIndex: 6, appliedIndex: 6, lastIndex: 8, configuration: { servers: [server, follower, behind] }, configurationIndex: 1,
    peers: [{ id: "n2", matchIndex: 6, state: "replicate", silentTicks: 2, canLead: true }, { id: "n3", matchIndex: 2, state: "snapshot", silentTicks: 0, canLead: true }],
    leaderReady: true, transferTo: undefined,
  };
  // On disk: entries 5 to 7, of which the last is about to be overwritten.
  const log = { firstIndex: () => 5, term: (index: number) => ({ 5: 1, 6: 2, 7: 2 })[index] };
  const { servers } = toStatus("n1", status, log, [entry(7, 3), entry(8, 3)], 50);
  assert.deepEqual(servers.map(({ matchIndex, lastTerm, lastContactMs }) => [matchIndex, lastTerm, lastContactMs]), [[8, 3, 0], [6, 2, 100], [2, 0, 0]]);
  assert.equal(toStatus("n1", { ...status, lastIndex: 7 }, log, [], 50).servers[0]!.lastTerm, 2);
});

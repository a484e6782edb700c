import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotMeta } from "../core/types.js";
import { headerToWire, metaFromWire, raftService } from "./wire.js";
import type { WireSnapshotChunk } from "./wire.js";

const servers = ["a", "b", "c"].map((id) => ({ id, address: `${id}:1`, voter: id !== "a" }));

for (const [name, configuration] of Object.entries({ "a plain": { servers }, "a joint": { servers, outgoing: { voters: ["a", "b"], leaving: ["a"] } } })) {
  test(`a snapshot's header carries ${name} configuration over the wire`, () => {
    const meta: SnapshotMeta = { index: 9, term: 2, configuration, configurationIndex: 7 };
    const { requestSerialize, requestDeserialize } = raftService.InstallSnapshot;
    const chunk: WireSnapshotChunk = requestDeserialize(requestSerialize({ header: headerToWire("b", 3, meta, "t") }));
    assert.deepEqual(metaFromWire(chunk.header!), meta);
  });
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openDurableLog } from "./durable-log.js";

test("the hard state comes back as it was written, that of a server that joins too", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "raft-log-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const hardState of [{ term: 4, vote: "b", commit: 2, reach: 17 }, { term: 5, vote: undefined, commit: 17 }]) {
    const log = await openDurableLog(folder);
    await log.write({ hardState, entries: [] });
    await log.close();
    const again = await openDurableLog(folder);
    assert.deepEqual(again.hardState, hardState);
    await again.close();
  }
});

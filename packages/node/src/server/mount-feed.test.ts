import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppliedBatch } from "@coffer/state-machine";
import { createMountFeed } from "./mount-feed.js";
import type { MountChange } from "./mount-feed.js";

test("each listener hears of the mounts whose rows a batch has, and of nothing else", () => {
  let apply = (_batch: AppliedBatch): void => undefined;
  const feed = createMountFeed({ onApplied: (listener) => ((apply = listener), () => undefined) });
  const heard: MountChange[][] = [[], []];
  for (const changes of heard) feed.onChange((change) => void changes.push(change));
  const row = (uuid: string) => `core/mounts/row/${uuid}`;
  apply({ index: 1, keys: ["logical/x/a", "core/token/id/b"] });
  apply({ index: 2, keys: [row("one"), "logical/x/a", row("two")] });
  apply({ index: 3, keys: [], reset: true });
  for (const changes of heard) assert.deepEqual(changes, [["one", "two"], "all"]);
});

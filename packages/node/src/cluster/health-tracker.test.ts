import assert from "node:assert/strict";
import test from "node:test";
import type { RaftStatus } from "@coffer/raft";
import { createHealthTracker } from "./health-tracker.js";

const statusWith = (...servers: { id: string; lastContactMs: number | undefined }[]) => ({ term: 3, servers: servers.map((server) => ({ address: "", voter: true, leader: false, matchIndex: 7, ...server })) }) as unknown as RaftStatus;

test("a server's health begins when it changes, and anew when it comes back after it left", () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const track = createHealthTracker(() => now, (id) => `version of ${id}`);
  const look = (lastContactMs: number | undefined) => {
    const [seen] = track(statusWith({ id: "b", lastContactMs }));
    now += 60_000;
    return [seen!.alive, seen!.stableSince.slice(11, 16), seen!.lastTerm, seen!.lastIndex, seen!.version];
  };
  assert.deepEqual(look(100), [true, "00:00", 3, 7, "version of b"]);
  assert.deepEqual(look(9999).slice(0, 2), [true, "00:00"]);
  assert.deepEqual(look(10_000).slice(0, 2), [false, "00:02"]);
  assert.deepEqual(look(0).slice(0, 2), [true, "00:03"]);
  track(statusWith());
  assert.deepEqual(look(undefined).slice(0, 2), [true, "00:04"]);
});

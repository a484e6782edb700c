import assert from "node:assert/strict";
import test from "node:test";
import { createEchoes } from "./echoes.js";

const echo = (nodeId: string) => ({ nodeId, apiAddress: `http://${nodeId}`, clusterAddress: "", hostname: "h", version: "1" });

test("the last word of each node counts, and one that was silent long is forgotten", () => {
  let now = 0;
  const echoes = createEchoes(echo("a"), () => now);
  assert.equal(echoes.of("b"), undefined);
  echoes.heard(echo("b"));
  now = 5 * 60_000;
  echoes.heard({ ...echo("c"), hostname: "other" });
  assert.deepEqual([echoes.of("b")?.heardAt, echoes.of("c")?.echo.hostname], [0, "other"]);
  now = 11 * 60_000;
  assert.deepEqual([echoes.of("b"), echoes.of("c")?.heardAt], [undefined, 5 * 60_000]);
});

test("nobody speaks for this node", () => {
  const echoes = createEchoes(echo("a"), () => 7);
  echoes.heard({ ...echo("a"), apiAddress: "http://elsewhere" });
  assert.deepEqual([echoes.of("a")?.echo.apiAddress, echoes.of("a")?.heardAt], ["http://a", 7]);
});

import assert from "node:assert/strict";
import test from "node:test";
import { memoryLogger } from "../http/testing/echo-application.js";
import { startSealDuties } from "./seal-duties.js";

function setUp(world: { sealed: boolean; active: boolean; healthy: boolean }) {
  const done: string[] = [];
  const logger = memoryLogger();
  const duties = startSealDuties({
    isSealed: () => world.sealed,
    isActive: () => world.active,
    seals: { probe: async () => void done.push("probe"), backends: () => [{ name: "kms", healthy: world.healthy }] },
    seal: {
      maintain: async () => {
        done.push("seal");
        throw new Error("KMS is away");
      },
    },
    keyring: { maintain: async () => void done.push("keyring") },
    logger,
  });
  duties.stop();
  return { done, logger, rounds: async (count: number) => { for (let i = 0; i < count; i++) await duties.round(); } };
}

const count = (done: readonly string[], what: string) => done.filter((one) => one === what).length;

test("a healthy seal is tried now and then, one that failed in every round, also on a standby", async () => {
  const world = { sealed: false, active: false, healthy: true };
  const { done, rounds } = setUp(world);
  await rounds(20);
  assert.deepEqual(done, ["probe", "probe"]);
  world.healthy = false;
  await rounds(3);
  assert.equal(done.length, 5);
});

test("the active node keeps seal and keyring up; what fails is said, and holds nothing up", async () => {
  const { done, rounds, logger } = setUp({ sealed: false, active: true, healthy: true });
  await rounds(10);
  assert.deepEqual([count(done, "seal"), count(done, "keyring")], [10, 2]);
  assert.match(logger.lines[0]!, /the upkeep of the seal failed.*KMS is away/);
});

test("a sealed node leaves its seals alone", async () => {
  const { done, rounds } = setUp({ sealed: true, active: false, healthy: false });
  await rounds(20);
  assert.deepEqual(done, []);
});

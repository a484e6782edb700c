import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendLost } from "@coffer/state-machine";
import { createS3Lease } from "./s3-lease.js";
import type { Bucket } from "./s3-objects.js";

const TIMES = { leaseMs: 3000, pollMs: 50 };
const ignore = () => undefined;

/** S3's conditional writes, and lines to it that can be cut. */
function bucketOf() {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly etag: string }>();
  let version = 0;
  const line = () => {
    const state = { isCut: false };
    const reach = async () => {
      if (state.isCut) throw new Error("the network is away");
    };
    const bucket: Bucket = {
      async read(name) {
        await reach();
        return objects.get(name);
      },
      async write(name, bytes, ifMatch) {
        await reach();
        if (objects.get(name)?.etag !== ifMatch) throw Object.assign(new Error("at least one of the preconditions did not hold"), { name: "PreconditionFailed" });
        const etag = `"${version++}"`;
        objects.set(name, { bytes, etag });
        return etag;
      },
    };
    return { bucket, state };
  };
  return { line };
}

test("a lease that is renewed is not taken, and one that was released is, at once", async () => {
  const { line } = bucketOf();
  const first = await createS3Lease(line().bucket, ignore, TIMES);
  await assert.rejects(createS3Lease(line().bucket, ignore, TIMES), /the bucket is in use by another process/);
  await first.require();
  assert.equal(first.isHeld(), true);
  await first.release();
  const waits: number[] = [];
  const second = await createS3Lease(line().bucket, ignore, { ...TIMES, leaseMs: 60_000 }, (mostMs) => void waits.push(mostMs));
  assert.deepEqual(waits, []);
  await second.require();
  await second.release();
});

test("an owner that is cut off stops trusting itself before another can take over, and learns of it when it is back", async () => {
  const { line } = bucketOf();
  const near = line();
  const lost: Error[] = [];
  const told = () => lost.filter((error) => error instanceof BackendLost).length;
  const first = await createS3Lease(near.bucket, (error) => void lost.push(error), TIMES);
  near.state.isCut = true;
  const waits: number[] = [];
  const second = await createS3Lease(line().bucket, ignore, TIMES, (mostMs) => void waits.push(mostMs));
  assert.deepEqual(waits, [TIMES.leaseMs], "it tells once that it waits");
  assert.equal(first.isHeld(), false);
  await assert.rejects(first.require(), /the network is away/);
  assert.equal(told(), 0, "nobody knows yet");
  near.state.isCut = false;
  await assert.rejects(first.require(), BackendLost);
  assert.equal(told(), 1);
  await first.release();
  await second.require();
  assert.equal(second.isHeld(), true, "what the former owner gives back is not its own");
  await second.release();
});

test("of two that start at once one is the owner", async () => {
  const { line } = bucketOf();
  const both = await Promise.allSettled([createS3Lease(line().bucket, ignore, TIMES), createS3Lease(line().bucket, ignore, TIMES)]);
  const won = both.filter((one) => one.status === "fulfilled");
  assert.equal(won.length, 1);
  await won[0]!.value.release();
});

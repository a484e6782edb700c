import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { BackendLost } from "@coffer/state-machine";
import { cameSecond } from "./s3-objects.js";
import type { Bucket } from "./s3-objects.js";

/**
 * Who owns what lies in a bucket: the object `owner`, written anew by its owner every few seconds. One that has not changed for a
 * whole lease, by the clock of whoever watches it, is nobody's.
 */
export interface S3Lease {
  isHeld(): boolean;
  /** Rejects with BackendLost where another process has taken over. */
  require(): Promise<void>;
  release(): Promise<void>;
}

/** Milliseconds. */
export interface LeaseTimes {
  readonly leaseMs: number;
  readonly pollMs: number;
}

const OWNER = "owner";
const TIMES: LeaseTimes = { leaseMs: 30_000, pollMs: 1000 };
/** Renewals in a lease. */
const RENEWALS = 3;

interface Owner {
  readonly id: string;
  readonly host: string;
  readonly released: boolean;
  readonly count: number;
}

function ownerOf(bytes: Uint8Array): Partial<Owner> {
  try {
    return (JSON.parse(Buffer.from(bytes).toString()) ?? {}) as Partial<Owner>;
  } catch {
    return {};
  }
}

/** `onWait`: another owner is there, alive or not, which takes up to the given milliseconds to find out. */
export async function createS3Lease(bucket: Bucket, onLost: (error: Error) => void, { leaseMs, pollMs }: LeaseTimes = TIMES, onWait: (mostMs: number) => void = () => undefined): Promise<S3Lease> {
  const id = randomUUID();
  let count = 0;
  let etag = "";
  /** When the last renewal that succeeded began: others may count from there. */
  let heldSince = 0;
  let lost: BackendLost | undefined;
  let renewing: Promise<void> = Promise.resolve();

  const self = (released = false) => Buffer.from(JSON.stringify({ id, host: hostname(), released, count: count++ } satisfies Owner));

  async function claim(ifMatch: string | undefined): Promise<boolean> {
    const since = performance.now();
    try {
      etag = await bucket.write(OWNER, self(), ifMatch);
      heldSince = since;
      return true;
    } catch (error) {
      if (cameSecond(error)) return false;
      throw error;
    }
  }

  async function acquire(): Promise<void> {
    let isToldToWait = false;
    let seen: { readonly etag: string; readonly at: number; readonly id: string | undefined } | undefined;
    for (;;) {
      const found = await bucket.read(OWNER);
      const owner = found && ownerOf(found.bytes);
      if (found && seen && owner?.id === seen.id && found.etag !== seen.etag) throw new Error(`the bucket is in use by another process${owner?.host ? ` on ${owner.host}` : ""}`);
      if (found && found.etag !== seen?.etag) seen = { etag: found.etag, at: performance.now(), id: owner?.id };
      const isFree = !found || owner?.released === true || performance.now() - seen!.at >= leaseMs;
      // What was not taken by this write is another's from now on, or was free for a moment: look again.
      if (isFree && (await claim(found?.etag))) return;
      if (!isFree && !isToldToWait) {
        isToldToWait = true;
        onWait(leaseMs);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  function lose(): BackendLost {
    if (!lost) {
      lost = new BackendLost("another process has taken over the bucket");
      onLost(lost);
    }
    clearInterval(timer);
    return lost;
  }

  async function check(): Promise<void> {
    if (lost) throw lost;
    const found = await bucket.read(OWNER);
    if (!found || ownerOf(found.bytes).id !== id) throw lose();
    etag = found.etag;
  }

  async function renew(): Promise<void> {
    if (lost) return;
    // Its answer may have got lost the last time, and the object be this process's own.
    if (!(await claim(etag))) {
      await check();
      await claim(etag);
    }
  }

  await acquire();
  const timer = setInterval(() => {
    // One that fails is made up for by the next; until then `isHeld` tells.
    renewing = renewing.then(renew).catch(() => undefined);
  }, leaseMs / RENEWALS);
  timer.unref();

  return {
    isHeld: () => !lost && performance.now() - heldSince < leaseMs,
    require: check,
    async release() {
      clearInterval(timer);
      await renewing;
      if (!lost) await bucket.write(OWNER, self(true), etag).catch(() => undefined);
    },
  };
}

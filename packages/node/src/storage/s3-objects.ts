import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Storage } from "../configuration/types.js";
import { reasonOf } from "./reason.js";
import { createS3Lease } from "./s3-lease.js";
import type { LeaseTimes } from "./s3-lease.js";
import type { ObjectStore } from "./object-store.js";

/**
 * Objects of an S3 bucket. S3 reads what was written last, everywhere, and `If-None-Match` and `If-Match` let a write depend on
 * what stands there (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html): that is what ownership, and
 * one process never replacing what another has written, rest on.
 */

const MAX_BYTES = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5000;
const TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
/** Objects in one DeleteObjects. */
const DELETE_BATCH = 1000;

/** What the SDK's errors say; another write came first. */
export function cameSecond(error: unknown): boolean {
  const { name, $metadata } = error as { readonly name?: string; readonly $metadata?: { readonly httpStatusCode?: number } };
  // NoSuchKey: what was to be replaced is gone.
  return name === "PreconditionFailed" || name === "NoSuchKey" || name === "ConditionalRequestConflict" || $metadata?.httpStatusCode === 412 || $metadata?.httpStatusCode === 409;
}

/** Reads and conditional writes of single objects. */
export interface Bucket {
  read(name: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined>;
  /** Gives the new ETag. `ifMatch` undefined: only where nothing is. Rejects where something else is (`cameSecond`). */
  write(name: string, bytes: Uint8Array, ifMatch: string | undefined): Promise<string>;
}

export async function openS3(storage: S3Storage, onLost: (error: Error) => void, times?: LeaseTimes, onWait?: (mostMs: number) => void): Promise<ObjectStore> {
  const { S3Client: Client, GetObjectCommand, PutObjectCommand, ListObjectsV2Command, DeleteObjectsCommand } = await import("@aws-sdk/client-s3");
  const client: S3Client = new Client(clientConfig(storage));
  const Bucket = storage.bucket;
  const keyOf = (name: string) => storage.prefix + name;
  const encryption = storage.kmsKeyId === undefined ? {} : { ServerSideEncryption: "aws:kms" as const, SSEKMSKeyId: storage.kmsKeyId };

  async function told<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw cameSecond(error) ? error : new Error(`S3, bucket ${Bucket}: ${reasonOf(error)}`);
    });
  }

  const bucket: Bucket = {
    async read(name) {
      try {
        const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket, Key: keyOf(name) }));
        return { bytes: await Body!.transformToByteArray(), etag: ETag! };
      } catch (error) {
        if ((error as { name?: string }).name === "NoSuchKey") return undefined;
        throw new Error(`S3, bucket ${Bucket}: ${reasonOf(error)}`);
      }
    },
    async write(name, bytes, ifMatch) {
      const condition = ifMatch === undefined ? { IfNoneMatch: "*" } : { IfMatch: ifMatch };
      const { ETag } = await told(client.send(new PutObjectCommand({ Bucket, Key: keyOf(name), Body: bytes, ...condition, ...encryption })));
      return ETag!;
    },
  };
  const lease = await createS3Lease(bucket, onLost, times, onWait).catch((error: unknown) => {
    client.destroy();
    throw error;
  });

  async function replace(name: string, bytes: Uint8Array): Promise<void> {
    const existing = await bucket.read(name);
    // Before the write: what this process's successor has written stays.
    await lease.require();
    await bucket.write(name, bytes, existing?.etag);
  }

  return {
    maxBytes: MAX_BYTES,
    async list(prefix) {
      const names: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await told(client.send(new ListObjectsV2Command({ Bucket, Prefix: keyOf(prefix), ...(ContinuationToken !== undefined && { ContinuationToken }) })));
        for (const { Key } of page.Contents ?? []) names.push(Key!.slice(storage.prefix.length));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return names.sort();
    },
    get: async (name) => (await bucket.read(name))?.bytes,
    async put(name, bytes) {
      await bucket.write(name, bytes, undefined).catch((error: unknown) => {
        if (!cameSecond(error)) throw error;
        // An answer that got lost, or what a former owner had under way.
        return replace(name, bytes);
      });
      await lease.require();
    },
    async remove(names) {
      for (let from = 0; from < names.length; from += DELETE_BATCH) {
        const Objects = names.slice(from, from + DELETE_BATCH).map((name) => ({ Key: keyOf(name) }));
        await told(client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })));
      }
    },
    isHeld: lease.isHeld,
    async close() {
      await lease.release();
      client.destroy();
    },
  };
}

/** Without credentials of its own it looks where every AWS tool does. */
function clientConfig({ region, endpoint, forcePathStyle, accessKey, secretKey, sessionToken }: S3Storage): S3ClientConfig {
  return {
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle,
    ...(accessKey !== undefined && secretKey !== undefined && { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey, ...(sessionToken !== undefined && { sessionToken }) } }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: TIMEOUT_MS },
  };
}

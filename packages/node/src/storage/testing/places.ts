import { CreateBucketCommand, DeleteObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { StateBackend } from "@coffer/state-machine";
import { motoProgram, postgresProgram, startMoto, startPostgres } from "@coffer/counterparts";
import type { ConsulStorage, PostgresqlStorage, S3Storage } from "../../configuration/types.js";
import { openConsul } from "../consul-objects.js";
import { createObjectLog } from "../object-log.js";
import type { ObjectLogLimits } from "../object-log.js";
import type { ObjectStore } from "../object-store.js";
import { openPostgresql } from "../postgresql-backend.js";
import { openS3 } from "../s3-objects.js";
import { startConsulStandIn } from "./consul-stand-in.js";
import { queryPostgres } from "./postgres-query.js";

type OnLost = (error: Error) => void;

/** A server that states can be kept on. */
export interface Place {
  /** Another state for every name. */
  open(name: string, onLost?: OnLost): Promise<StateBackend>;
  /** Ends what the owner holds its state by, as when its process dies. */
  endOwner(name: string): Promise<void>;
  /** Only of those that write objects. */
  openStore?(name: string, onLost?: OnLost): Promise<ObjectStore>;
  stop(): Promise<void>;
}

export interface PlaceKind {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing: string | false;
  start(): Promise<Place>;
}

const ignore: OnLost = () => undefined;
/** Checkpoints come soon, so that they are met. */
const LIMITS: ObjectLogLimits = { minLogBytes: 20_000_000, maxLogObjects: 7 };
const LEASE = { leaseMs: 900, pollMs: 50 };
const BUCKET = "coffer";

export const PLACES: readonly PlaceKind[] = [
  { name: "postgresql", missing: postgresProgram() === undefined && "PostgreSQL is not installed", start: postgresqlPlace },
  { name: "s3", missing: motoProgram() === undefined && "moto is not installed", start: s3Place },
  { name: "consul", missing: false, start: consulPlace },
];

async function postgresqlPlace(): Promise<Place> {
  const server = await startPostgres();
  const storage = (table: string): PostgresqlStorage => ({ type: "postgresql", connectionUrl: server.url(), table });
  return {
    open: (name, onLost = ignore) => openPostgresql(storage(name), onLost),
    endOwner: async (name) => void (await queryPostgres(server.url(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = '${name}'::regclass::oid`)),
    stop: () => server.stop(),
  };
}

export function s3Storage(endpoint: string, name: string): S3Storage {
  return { type: "s3", bucket: BUCKET, region: "us-east-1", endpoint, forcePathStyle: true, accessKey: "a", secretKey: "b", sessionToken: undefined, kmsKeyId: undefined, prefix: `${name}/` };
}

async function s3Place(): Promise<Place> {
  const moto = await startMoto();
  const client = new S3Client({ endpoint: moto.endpoint, region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId: "a", secretAccessKey: "b" } });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const openStore = (name: string, onLost = ignore) => openS3(s3Storage(moto.endpoint, name), onLost, LEASE);
  return {
    openStore,
    open: async (name, onLost) => createObjectLog(await openStore(name, onLost), LIMITS),
    // Nothing holds it but its renewals: a newcomer takes an owner's object that is gone.
    endOwner: async (name) => void (await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: `${name}/owner` }))),
    async stop() {
      client.destroy();
      await moto.stop();
    },
  };
}

async function consulPlace(): Promise<Place> {
  const consul = await startConsulStandIn("t");
  const storage = (name: string): ConsulStorage => ({ type: "consul", address: consul.address, scheme: "http", token: "t", prefix: `${name}/`, sessionTtlSeconds: 10, tls: { ca: undefined, certificate: undefined, key: undefined, skipVerify: false } });
  const openStore = (name: string, onLost = ignore) => openConsul(storage(name), onLost, { pollMs: 20, waitMs: 200 });
  return {
    openStore,
    open: async (name, onLost) => createObjectLog(await openStore(name, onLost), LIMITS),
    endOwner: async () => consul.endSessions(),
    stop: () => consul.stop(),
  };
}

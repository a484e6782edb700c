import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { BackendLost } from "@coffer/state-machine";
import type { ConsulStorage } from "../configuration/types.js";
import { consulClient } from "./consul-http.js";
import type { ConsulAnswer } from "./consul-http.js";
import type { ObjectStore } from "./object-store.js";

/**
 * Keys of Consul's KV store. The key `owner` is locked by a session
 * (https://developer.hashicorp.com/consul/docs/dynamic-app-config/sessions), and every write is a transaction that checks the
 * lock first (https://developer.hashicorp.com/consul/api-docs/txn): who has lost it can write nothing.
 */

const OWNER = "owner";
/** A transaction may have 512 KiB as JSON, with values in base64. */
const MAX_BYTES = 256 * 1024;
/** A transaction takes 64 operations, the check among them. */
const DELETE_BATCH = 60;
/** Renewals in a session's time to live. */
const RENEWALS = 3;
const MS = 1000;

/** Milliseconds. */
export interface ConsulTimes {
  readonly pollMs: number;
  /** How long a lock of a former process is waited for: twice the session's time to live, and Consul's delay behind it. */
  readonly waitMs: number;
}

interface Operation {
  readonly Verb: "check-session" | "set" | "delete";
  readonly Key: string;
  readonly Value?: string;
  readonly Session?: string;
}

export async function openConsul(storage: ConsulStorage, onLost: (error: Error) => void, times?: ConsulTimes, onWait: (mostMs: number) => void = () => undefined): Promise<ObjectStore> {
  const { sessionTtlSeconds: ttlSeconds } = storage;
  const { pollMs, waitMs } = times ?? { pollMs: 1000, waitMs: 2 * ttlSeconds * MS + 20_000 };
  const ask = consulClient(storage);
  const keyOf = (name: string) => storage.prefix + name;
  const pathOf = (name: string) => `/v1/kv/${keyOf(name).split("/").map(encodeURIComponent).join("/")}`;
  let lost: BackendLost | undefined;
  let heldSince = 0;

  async function expect(asked: Promise<ConsulAnswer>): Promise<Buffer> {
    const { status, body } = await asked;
    if (status === 200) return body;
    throw new Error(`Consul at ${storage.address} answered ${status}: ${body.toString().trim().slice(0, 300)}`);
  }

  async function createSession(): Promise<string> {
    heldSince = performance.now();
    const body = await expect(ask("PUT", "/v1/session/create", { Name: `coffer ${hostname()}`, TTL: `${ttlSeconds}s`, Behavior: "release" }));
    return (JSON.parse(body.toString()) as { ID: string }).ID;
  }

  const renew = async (session: string) => {
    const since = performance.now();
    const { status } = await ask("PUT", `/v1/session/renew/${session}`);
    if (status === 404) lose();
    if (status === 200) heldSince = since;
  };

  function lose(): BackendLost {
    if (!lost) {
      lost = new BackendLost(`the lock on ${keyOf(OWNER)} in Consul is lost`);
      onLost(lost);
    }
    clearInterval(timer);
    return lost;
  }

  async function transaction(operations: readonly Operation[]): Promise<void> {
    if (lost) throw lost;
    const all = [{ Verb: "check-session" as const, Key: keyOf(OWNER), Session: session }, ...operations];
    const { status, body } = await ask("PUT", "/v1/txn", all.map((one) => ({ KV: one })));
    if (status === 409 && failedFirst(body)) throw lose();
    await expect(Promise.resolve({ status, body }));
  }

  async function lock(): Promise<void> {
    const end = performance.now() + waitMs;
    const note = { id: randomUUID(), host: hostname() };
    for (let isToldToWait = false; ; isToldToWait = true) {
      const taken = await expect(ask("PUT", `${pathOf(OWNER)}?acquire=${session}`, note));
      if (taken.toString().trim() === "true") return;
      if (performance.now() > end) throw new Error(`${keyOf(OWNER)} in Consul is locked by another process`);
      if (!isToldToWait) onWait(waitMs);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      if (lost) throw lost;
    }
  }

  const session = await createSession();
  const timer = setInterval(() => void renew(session).catch(() => undefined), (ttlSeconds * MS) / RENEWALS);
  timer.unref();
  try {
    await lock();
  } catch (error) {
    clearInterval(timer);
    await ask("PUT", `/v1/session/destroy/${session}`).catch(() => undefined);
    throw error;
  }

  return {
    maxBytes: MAX_BYTES,
    async list(prefix) {
      const { status, body } = await ask("GET", `${pathOf(prefix)}?keys&consistent`);
      if (status === 404) return [];
      const keys = JSON.parse((await expect(Promise.resolve({ status, body }))).toString()) as string[];
      return keys.map((key) => key.slice(storage.prefix.length)).sort();
    },
    async get(name) {
      const { status, body } = await ask("GET", `${pathOf(name)}?raw&consistent`);
      return status === 404 ? undefined : expect(Promise.resolve({ status, body }));
    },
    put: (name, bytes) => transaction([{ Verb: "set", Key: keyOf(name), Value: Buffer.from(bytes).toString("base64") }]),
    async remove(names) {
      for (let from = 0; from < names.length; from += DELETE_BATCH) await transaction(names.slice(from, from + DELETE_BATCH).map((name) => ({ Verb: "delete", Key: keyOf(name) })));
    },
    isHeld: () => !lost && performance.now() - heldSince < ttlSeconds * MS,
    async close() {
      clearInterval(timer);
      // A session that is destroyed holds its lock back for a while, so that writes under way die out; there are none.
      await ask("PUT", `${pathOf(OWNER)}?release=${session}`, { released: true }).catch(() => undefined);
      await ask("PUT", `/v1/session/destroy/${session}`).catch(() => undefined);
    },
  };
}

/** Whether it is the check of the lock that a transaction failed at. */
function failedFirst(body: Buffer): boolean {
  try {
    const { Errors } = JSON.parse(body.toString()) as { readonly Errors?: readonly { readonly OpIndex?: number }[] };
    return Errors?.some(({ OpIndex }) => OpIndex === 0) ?? false;
  } catch {
    return false;
  }
}

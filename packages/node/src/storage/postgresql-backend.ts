import { randomUUID } from "node:crypto";
import { BackendLost } from "@coffer/state-machine";
import type { StateBackend, StateOperation } from "@coffer/state-machine";
import type { PostgresqlStorage } from "../configuration/types.js";
import { reasonOf } from "./reason.js";
import { connectTo } from "./postgresql-session.js";
import type { PostgresqlSession } from "./postgresql-session.js";

/**
 * A table of one PostgreSQL database. An advisory lock on the table belongs to the session that writes, so a session that has
 * lost it can write nothing; the row of the owner tells, after a session was lost, whether another process came between.
 */

const OWNER_KEY = "o/owner";
const PAGE = 200;
/** Keys and values in one statement. Bytes. */
const STATEMENT_BYTES = 4 * 1024 * 1024;
const RECONNECT_MS = 1000;

export async function openPostgresql(storage: PostgresqlStorage, onLost: (error: Error) => void): Promise<StateBackend> {
  const owner = randomUUID();
  const isLost = (error: unknown) => error instanceof BackendLost;
  let session: PostgresqlSession | undefined;
  let connecting: Promise<PostgresqlSession> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function take(isFirst: boolean): Promise<PostgresqlSession> {
    const taken = await connectTo(storage, onBroken);
    try {
      if (!isFirst) await requireOwner(taken);
      await taken.lock();
      if (!isFirst) await requireOwner(taken);
      else await taken.put([[OWNER_KEY, Buffer.from(owner)]]);
      return taken;
    } catch (error) {
      await taken.close();
      throw error;
    }
  }

  async function requireOwner(asked: PostgresqlSession): Promise<void> {
    const found = await asked.get(OWNER_KEY);
    if (found === undefined || !Buffer.from(owner).equals(found)) throw new BackendLost(`another process has taken over the table ${storage.table}`);
  }

  /** Reads are refused until there is a session again, so it does not wait for a write to find out. */
  function onBroken(broken: PostgresqlSession): void {
    if (session !== broken) return;
    session = undefined;
    void broken.close();
    if (!isClosed) reconnect();
  }

  function reconnect(): void {
    current().catch((error: unknown) => {
      if (isLost(error)) onLost(error as Error);
      else if (!isClosed) timer = setTimeout(reconnect, RECONNECT_MS);
    });
  }

  async function current(): Promise<PostgresqlSession> {
    if (session) return session;
    connecting ??= take(false).finally(() => (connecting = undefined));
    return (session = await connecting);
  }

  session = await take(true).catch((error: unknown) => {
    throw new Error(`the storage "postgresql" cannot be used: ${reasonOf(error)}`);
  });
  return {
    async *load() {
      const from = await current();
      let after: Buffer = Buffer.alloc(0);
      for (;;) {
        const rows = await from.page(after, PAGE);
        for (const { key, value } of rows) if (key !== OWNER_KEY) yield [key, value] as const;
        const last = rows.at(-1);
        if (!last) return;
        after = last.id;
      }
    },
    async write(operations) {
      const used = await current();
      try {
        await used.transaction(async () => {
          for (const { puts, dels } of statements(operations)) {
            await used.put(puts);
            await used.remove(dels);
          }
        });
      } catch (error) {
        // Whatever became of it: with a new session it is over.
        onBroken(used);
        throw new Error(`PostgreSQL: ${reasonOf(error)}`);
      }
    },
    isHeld: () => session !== undefined,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await connecting?.catch(() => undefined);
      await session?.close();
    },
  };
}

/** No key is in two of them, as none is in two operations. */
function* statements(operations: readonly StateOperation[]): Generator<{ readonly puts: [string, Uint8Array][]; readonly dels: string[] }> {
  let part = { puts: [] as [string, Uint8Array][], dels: [] as string[] };
  let size = 0;
  for (const operation of operations) {
    if (operation.type === "put") part.puts.push([operation.key, operation.value]);
    else part.dels.push(operation.key);
    size += operation.key.length + (operation.type === "put" ? operation.value.length : 0);
    if (size < STATEMENT_BYTES) continue;
    yield part;
    part = { puts: [], dels: [] };
    size = 0;
  }
  yield part;
}

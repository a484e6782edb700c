import type { Environment } from "../framework/engine.js";
import type { Store } from "../store/index.js";
import { clientOf } from "./client.js";
import type { Bearer, Client } from "./client.js";
import { activityConfig, isCounting } from "./config.js";
import type { ActivityConfig } from "./config.js";
import { endOf, monthOf, plus } from "./months.js";
import { MONTHS, dropMonth, recordClient } from "./record.js";

/**
 * Who uses this node. A request costs one look-up; who is new in this month waits in memory until the active node writes it
 * down, or a standby hands it on. What waits is lost with the process: at most `FLUSH_MS` of it.
 */
export interface ActivityRecorder {
  /** On the way of every request that a token was good for. */
  seen(token: Bearer): void;
  /** Of a standby. */
  hear(clients: readonly Client[]): void;
  /** What waits. */
  waiting(): readonly Client[];
  /** On a standby: at most `limit`, for the active node, as long as this resolves to true for them. */
  handOn(limit: number, tell: (clients: readonly Client[]) => Promise<boolean>): Promise<void>;
  /** On the active node, about once a second: writes a slice down, deletes what is too old. True when more is due. */
  step(): Promise<boolean>;
}

const FLUSH_MS = 10_000;
/** Months that are too old are looked for this often. */
const TIDY_MS = 3_600_000;
const SLICE = 256;
/** Clients that wait at most. Who is not taken is tried again with its next request. */
const MAX_WAITING = 50_000;
/** Ids that are known to be written down; when there are more, all are forgotten, and looked up again. */
const MAX_KNOWN = 100_000;

const keyOf = ({ id, firstMs }: Client): string => `${monthOf(firstMs)}/${id}`;

export function createActivityRecorder({ store, env }: { readonly store: Store; readonly env: Environment }): ActivityRecorder {
  const waiting = new Map<string, Client>();
  let known = new Set<string>();
  /** Tokens, as the store's cache holds them, that need no second look in this month. */
  let passed = new WeakSet<Bearer>();
  let monthEndMs = 0;
  let sinceMs: number | undefined;
  let nextFlushMs = env.now() + FLUSH_MS;
  let nextTidyMs = 0;

  function forget(): void {
    known = new Set();
    passed = new WeakSet();
  }

  function note(client: Client): boolean {
    const key = keyOf(client);
    if (known.has(key) || waiting.has(key)) return true;
    if (waiting.size >= MAX_WAITING) return false;
    waiting.set(key, client);
    return true;
  }

  function markKnown(clients: readonly Client[]): void {
    if (known.size + clients.length > MAX_KNOWN) forget();
    for (const client of clients) {
      known.add(keyOf(client));
      waiting.delete(keyOf(client));
    }
  }

  /** What was seen before counting was turned on or off has to be seen anew. */
  function readConfig(): ActivityConfig {
    const config = store.evaluate((tx) => activityConfig(tx.scoped("core/"))).value;
    if (sinceMs !== undefined && sinceMs !== config.sinceMs) {
      forget();
      waiting.clear();
    }
    sinceMs = config.sinceMs;
    if (!isCounting(config)) waiting.clear();
    return config;
  }

  function nextSlice(limit: number): Client[] {
    const slice: Client[] = [];
    for (const client of waiting.values()) if (slice.push(client) >= limit) break;
    return slice;
  }

  async function flush(): Promise<boolean> {
    const slice = nextSlice(SLICE);
    if (slice.length === 0) return false;
    const { outcome } = await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      for (const client of slice) await recordClient(core, client);
    });
    if (outcome.outcome !== "applied") return false;
    markKnown(slice);
    return waiting.size > 0;
  }

  /** Of the months that are kept no longer: a slice. */
  async function tidy(config: ActivityConfig): Promise<boolean> {
    const now = monthOf(env.now());
    const oldest = plus(now, 1 - config.retentionMonths);
    const { value: more } = await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      const months = (await core.list(MONTHS)).map((name) => name.slice(0, -1));
      const isDropped = (month: string) => month < oldest || (!isCounting(config) && month === monthOf(config.sinceMs));
      const gone = months.find(isDropped);
      if (gone === undefined) return false;
      await dropMonth(core, gone, SLICE);
      return true;
    });
    return more;
  }

  return {
    seen(token) {
      const now = env.now();
      if (now >= monthEndMs) {
        monthEndMs = endOf(monthOf(now));
        forget();
      }
      if (passed.has(token)) return;
      const client = clientOf(token, now);
      if (!client || note(client)) passed.add(token);
    },
    hear(clients) {
      for (const client of clients) note(client);
    },
    waiting: () => [...waiting.values()],
    async handOn(limit, tell) {
      readConfig();
      const slice = nextSlice(limit);
      if (slice.length > 0 && (await tell(slice))) markKnown(slice);
    },
    async step() {
      const now = env.now();
      if (now >= nextFlushMs || waiting.size > MAX_WAITING / 2) {
        readConfig();
        if (await flush()) return true;
        nextFlushMs = now + FLUSH_MS;
      }
      const config = now >= nextTidyMs || sinceMs === undefined ? readConfig() : undefined;
      if (!config) return false;
      if (await tidy(config)) return true;
      nextTidyMs = now + (isCounting(config) ? TIDY_MS : FLUSH_MS);
      return false;
    },
  };
}

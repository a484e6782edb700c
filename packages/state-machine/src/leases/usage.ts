import type { Environment } from "../framework/engine.js";
import type { Store } from "../store/index.js";
import { parseExpiry, tokenCodec, tokenKey } from "../tokens/index.js";
import { irrevocableLeases } from "./lease.js";

/** How many tokens and leases there are, for metrics. */
export interface Usage {
  /** What will expire: leases and tokens, as Vault counts them. */
  readonly expiring: number;
  readonly irrevocable: number;
  /** Service tokens. */
  readonly tokens: number;
  /** Tokens by policy; with many tokens, from a sample of them. */
  readonly tokensByPolicy: Readonly<Record<string, number>>;
}

export interface UsageCounter {
  /** As of the last count, which is repeated in the background; undefined before the first. Never waits. */
  read(): Usage | undefined;
}

const PAGE = 1000;
/** Token ids are HMACs: the first so many in their order are as good as any. */
const SAMPLE = 5000;
/** At most a tenth of the time goes into counting, and a count is as old as Vault's at most. */
const SHARE = 10;
const SHORTEST_MS = 10_000;
const LONGEST_MS = 600_000;

/** Counts by walking through keys, in pages; nothing is kept in memory, and nothing is added to any request. */
export function createUsageCounter({ store, env, isSealed }: { readonly store: Store; readonly env: Environment; readonly isSealed: () => boolean }): UsageCounter {
  let usage: Usage | undefined;
  let nextMs = 0;
  let isCounting = false;

  async function walk(prefix: string, each: (key: string) => void): Promise<void> {
    for (let after = ""; ; ) {
      const { value } = await store.evaluate((tx) => tx.keys(prefix, { limit: PAGE, after }));
      value.forEach(each);
      if (value.length < PAGE) return;
      after = value[value.length - 1]!;
    }
  }

  async function count(): Promise<Usage> {
    let expiring = 0;
    await walk("core/expire/", (key) => {
      const { kind } = parseExpiry(key);
      if (kind === "token" || kind === "lease") expiring++;
    });
    let tokens = 0;
    const sample: string[] = [];
    await walk(`core/${tokenKey("")}`, (id) => {
      tokens++;
      if (sample.length < SAMPLE) sample.push(id);
    });
    const found = new Map<string, number>();
    for (let at = 0; at < sample.length; at += PAGE / 10) {
      // A page of the event loop's time at once, not more.
      await new Promise(setImmediate);
      const ids = sample.slice(at, at + PAGE / 10);
      store.evaluate((tx) => ids.forEach((id) => tx.get(`core/${tokenKey(id)}`, tokenCodec)?.policies.forEach((name) => found.set(name, (found.get(name) ?? 0) + 1))));
    }
    const factor = sample.length === 0 ? 0 : tokens / sample.length;
    const tokensByPolicy = Object.fromEntries([...found].map(([name, of]) => [name, Math.round(of * factor)]));
    const irrevocable = (await store.evaluate((tx) => irrevocableLeases(tx.scoped("core/")))).value.length;
    return { expiring, irrevocable, tokens, tokensByPolicy };
  }

  async function recount(): Promise<void> {
    const begun = env.now();
    isCounting = true;
    try {
      usage = await count();
    } catch {
      // Sealed meanwhile, or shutting down; the next look begins anew.
      usage = undefined;
    } finally {
      isCounting = false;
      nextMs = env.now() + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (env.now() - begun) * SHARE));
    }
  }

  return {
    read() {
      if (isSealed()) return (usage = undefined);
      if (!isCounting && env.now() >= nextMs) void recount();
      return usage;
    },
  };
}

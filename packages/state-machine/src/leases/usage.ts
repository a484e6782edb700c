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

/** Small: what lives while it is waited for makes V8 reserve room for more of the kind. */
const PAGE = 100;
/** Token ids are HMACs: the first so many in their order are as good as any. */
const SAMPLE = 1000;
/** While it counts, a tenth of the time goes into it: after each page it rests nine times as long. */
const REST = 9;
/** From one count to the next: so long, and three times as long as the last took. What is never idle never gives memory back. */
const BETWEEN_MS = 10_000;
const BETWEEN = 3;

/** Counts by walking through keys, in pages; nothing is kept in memory, and nothing is added to any request. */
export function createUsageCounter({ store, env, isSealed }: { readonly store: Store; readonly env: Environment; readonly isSealed: () => boolean }): UsageCounter {
  let usage: Usage | undefined;
  let nextMs = 0;
  let isCounting = false;

  async function walk(prefix: string, each: (key: string) => void): Promise<void> {
    for (let after = ""; ; ) {
      const since = performance.now();
      const { value } = await store.evaluate((tx) => tx.keys(prefix, { limit: PAGE, after }));
      value.forEach(each);
      if (value.length < PAGE) return;
      after = value[value.length - 1]!;
      await rest(since);
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
    for (let at = 0; at < sample.length; at += PAGE) {
      const since = performance.now();
      const ids = sample.slice(at, at + PAGE);
      store.evaluate((tx) => ids.forEach((id) => tx.get(`core/${tokenKey(id)}`, tokenCodec)?.policies.forEach((name) => found.set(name, (found.get(name) ?? 0) + 1))));
      await rest(since);
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
      nextMs = env.now() + Math.max(BETWEEN_MS, (env.now() - begun) * BETWEEN);
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

const rest = (since: number) => new Promise<void>((wake) => setTimeout(wake, (performance.now() - since) * REST).unref());

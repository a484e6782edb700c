import type { Row } from "./metric.js";

export interface TokenCreation {
  /** Type of the auth method: `token`, `userpass`. */
  readonly authMethod: string;
  /** Where it is mounted: `auth/token/`. */
  readonly mountPoint: string;
  readonly tokenType: "service" | "batch";
  /** 0: none. */
  readonly ttlSeconds: number;
}

export interface TokenCreations {
  count(creation: TokenCreation): void;
  read(): readonly Row<number>[];
}

/** Vault's buckets: the label of the first that is at least as long, in seconds. */
const TTL_BUCKETS = [
  [60, "1m"],
  [600, "10m"],
  [1200, "20m"],
  [3600, "1h"],
  [7200, "2h"],
  [86_400, "1d"],
  [172_800, "2d"],
  [604_800, "7d"],
  [2_592_000, "30d"],
] as const;
const LONGER = "+Inf";

export function createTokenCreations(): TokenCreations {
  const rows = new Map<string, { readonly labels: Row<number>["labels"]; value: number }>();
  return {
    count({ authMethod, mountPoint, tokenType, ttlSeconds }) {
      const bucket = ttlSeconds === 0 ? LONGER : (TTL_BUCKETS.find(([longest]) => ttlSeconds <= longest)?.[1] ?? LONGER);
      const labels = { namespace: "root", auth_method: authMethod, mount_point: mountPoint, creation_ttl: bucket, token_type: tokenType };
      const key = JSON.stringify(labels);
      const row = rows.get(key) ?? { labels, value: 0 };
      row.value += 1;
      rows.set(key, row);
    },
    read: () => [...rows.values()].map(({ labels, value }) => ({ labels, value })),
  };
}

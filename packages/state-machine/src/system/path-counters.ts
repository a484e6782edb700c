import { RequestError } from "../errors.js";
import { data } from "../framework/index.js";
import type { ReadStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const PAGE = 1000;

async function countKeys(storage: ReadStorage, prefix: string): Promise<number> {
  for (let total = 0, after = ""; ; ) {
    const page = await storage.keys(prefix, { limit: PAGE, after });
    total += page.length;
    if (page.length < PAGE) return total;
    after = page[page.length - 1]!;
  }
}

export const counterPaths: readonly SystemPath[] = [
  systemPath({
    template: "internal/counters/tokens",
    help: { synopsis: "Counts the service tokens.", description: "All that are stored now. Batch tokens are not stored, and so not counted." },
    fields: {},
    operations: { read: { summary: "Counts the service tokens.", effect: "read", handler: async (_request, storage) => data({ counters: { service_tokens: { total: await countKeys(storage, "token/id/") } } }) } },
  }),
  systemPath({
    template: "internal/counters/requests",
    help: { synopsis: "Gone, as in Vault since 1.11.", description: "Requests are counted by the metrics." },
    fields: {},
    operations: {
      read: {
        summary: "Gone.", effect: "read",
        handler: () => {
          throw new RequestError("not_found", "The functionality has been removed on this path");
        },
      },
    },
  }),
];

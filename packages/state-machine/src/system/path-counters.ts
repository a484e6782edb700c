import { RequestError, invalid } from "../errors.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
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

const PERIOD = {
  start_time: field.time({ description: "Begin of the period.", query: true }),
  end_time: field.time({ description: "End of the period.", query: true }),
  limit_namespaces: field.int({ description: "Kept for compatibility.", query: true, default: 0 }),
};

/** Who used the service in which month is not recorded: as in a Vault that has no data, these answer 204. */
export const counterPaths: readonly SystemPath[] = [
  systemPath({
    template: "internal/counters/activity",
    help: { synopsis: "Counts the clients of a period.", description: "There is no record of past clients, and so no content." },
    fields: PERIOD,
    operations: { read: { summary: "Counts the clients of a period.", effect: "read", handler: () => NO_CONTENT } },
  }),
  systemPath({
    template: "internal/counters/activity/monthly",
    help: { synopsis: "Counts the clients of this month.", description: "There is no record of past clients, and so no content." },
    fields: {},
    operations: { read: { summary: "Counts the clients of this month.", effect: "read", handler: () => NO_CONTENT } },
  }),
  systemPath({
    template: "internal/counters/config",
    help: { synopsis: "Shows how clients are counted.", description: "They are not: nothing of past clients is kept." },
    fields: {
      enabled: field.string({ description: "`disable` and `default` only.", default: "default" }),
      default_report_months: field.int({ description: "Kept for compatibility.", deprecated: true }),
      retention_months: field.int({ description: "Kept for compatibility." }),
    },
    operations: {
      read: {
        summary: "Shows how clients are counted.", effect: "read",
        handler: () => data({ default_report_months: 12, enabled: "default-disabled", minimum_retention_months: 0, queries_available: false, reporting_enabled: false, retention_months: 0 }),
      },
      update: {
        summary: "Keeps the counting of clients off.", effect: "write",
        handler: ({ input }) => {
          if (input.enabled === "enable") throw invalid("clients are not counted by this version: 'enabled' cannot be \"enable\"");
          if (input.enabled !== "disable" && input.enabled !== "default") throw invalid("'enabled' must be one of \"default\", \"enable\", \"disable\"");
          return NO_CONTENT;
        },
      },
    },
  }),
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

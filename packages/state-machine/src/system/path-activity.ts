import { Readable } from "node:stream";
import { MAX_MONTHS, activityConfig, billingStart, isCounting, periodOf, putActivityConfig } from "../activity/index.js";
import type { ActivityConfig, Period } from "../activity/index.js";
import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, raw } from "../framework/index.js";
import type { InputOf } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

/** Who used the service: the client counts of Vault's API page "internal/counters". Times are UTC, and months are whole. */
const PERIOD = {
  start_time: field.time({ description: "Begin of the period: its month is the first. Default: eleven months before this one.", query: true }),
  end_time: field.time({ description: "End of the period: its month is the last. Default: now.", query: true }),
};

function readPeriod({ start_time: start, end_time: end }: InputOf<typeof PERIOD>, nowMs: number): Period {
  if (start && start.getTime() > (end?.getTime() ?? nowMs)) throw invalid("start_time is later than end_time");
  return periodOf(start, end, nowMs);
}

const BILLING_DEPRECATED = "current_billing_period is deprecated; unless otherwise specified, all requests will default to the current billing period";
const FORMATS = { json: "application/json", csv: "text/csv" } as const;

const activityPath = systemPath({
  template: "internal/counters/activity",
  help: { synopsis: "Counts the clients of a period.", description: "Entities, and tokens without one by their policies: each counts once, and once in each month and for each mount." },
  fields: {
    ...PERIOD,
    current_billing_period: field.bool({ description: "The default period.", query: true, deprecated: true }),
    limit_namespaces: field.int({ description: "Shows at most so many namespaces; there is the root only.", query: true, default: 0 }),
  },
  operations: {
    read: {
      summary: "Counts the clients of a period.", effect: "read", activeOnly: true,
      handler: async ({ input }, _storage, { env, services }) => {
        const warnings = input.current_billing_period === undefined ? [] : [BILLING_DEPRECATED];
        const counted = await services.rooms.activity.report(readPeriod(input, env.now()));
        return counted ? data(counted, { warnings }) : { ...NO_CONTENT, warnings, status: warnings.length > 0 ? 200 : 204 };
      },
    },
  },
});

const monthlyPath = systemPath({
  template: "internal/counters/activity/monthly",
  help: { synopsis: "Counts the clients of this month.", description: "As far as the nodes told the active one, within seconds. No content while counting is turned off." },
  fields: {},
  operations: {
    read: {
      summary: "Counts the clients of this month.", effect: "read", activeOnly: true,
      handler: async (_request, storage, { services }) => (isCounting(activityConfig(storage)) ? data(await services.rooms.activity.monthly()) : NO_CONTENT),
    },
  },
});

const exportPath = systemPath({
  template: "internal/counters/activity/export",
  help: { synopsis: "Names the clients of a period.", description: "One line a client, as JSON or CSV. One export at a time." },
  fields: { ...PERIOD, format: field.string({ description: "`json` or `csv`.", query: true, default: "json" }) },
  operations: {
    read: {
      summary: "Names the clients of a period.", effect: "read", access: "sudo",
      handler: async ({ input }, _storage, { env, services }) => {
        const { format } = input;
        if (format !== "json" && format !== "csv") throw invalid(`invalid format: ${JSON.stringify(format)}`);
        const period = readPeriod(input, env.now());
        const lines = await services.rooms.activity.export(period, format);
        if (!lines) return NO_CONTENT;
        const name = `activity_export_${period.first}_to_${period.last}.${format}`;
        return raw(Readable.from(lines), FORMATS[format], 200, { "Content-Disposition": `attachment; filename=${JSON.stringify(name)}` });
      },
    },
  },
});

const shownEnabled = ({ enabled }: ActivityConfig): string => (enabled === "default" ? "default-enabled" : enabled);

const configPath = systemPath({
  template: "internal/counters/config",
  help: { synopsis: "Shows and sets how clients are counted.", description: "Whether they are, and for how long it is kept." },
  fields: {
    enabled: field.string({ description: "`enable`, `disable` or `default`, which is enabled. Turning it off discards this month." }),
    default_report_months: field.int({ description: "Kept for compatibility: it is 12.", deprecated: true }),
    retention_months: field.int({ description: "Months that are kept, at most 60; default 48." }),
  },
  operations: {
    read: {
      summary: "Shows how clients are counted.", effect: "read", activeOnly: true,
      handler: async (_request, storage, { env, services }) => {
        const config = activityConfig(storage);
        return data({
          billing_start_timestamp: `${billingStart(env.now())}-01T00:00:00Z`,
          default_report_months: 12,
          enabled: shownEnabled(config),
          minimum_retention_months: 0,
          queries_available: await services.rooms.activity.hasRecords(),
          reporting_enabled: false,
          retention_months: config.retentionMonths,
        });
      },
    },
    update: {
      summary: "Sets how clients are counted.", effect: "write",
      handler: ({ input }, storage, { env }) => {
        const before = activityConfig(storage);
        const { enabled = before.enabled, retention_months: asked = before.retentionMonths } = input;
        const warnings: string[] = [];
        if (input.default_report_months !== undefined) warnings.push("default_report_months is deprecated: defaulting to billing start time");
        if (asked < 0) throw invalid("retention_months must be greater than or equal to 0");
        if (asked > MAX_MONTHS) warnings.push(`retention_months cannot be greater than ${MAX_MONTHS}; capped to ${MAX_MONTHS}.`);
        if (enabled !== "default" && enabled !== "enable" && enabled !== "disable") throw invalid('enabled must be one of "default", "enable", "disable"');
        if (enabled !== "disable" && asked === 0) throw invalid("retention_months cannot be 0 while enabled");
        if (isCounting(before) && enabled === "disable") warnings.push("the current monthly segment will be deleted because the activity log was disabled");
        putActivityConfig(storage, { enabled, retentionMonths: Math.min(asked, MAX_MONTHS) }, env.now());
        return warnings.length === 0 ? NO_CONTENT : { ...NO_CONTENT, status: 200, warnings };
      },
    },
  },
});

export const activityPaths: readonly SystemPath[] = [activityPath, monthlyPath, exportPath, configPath];

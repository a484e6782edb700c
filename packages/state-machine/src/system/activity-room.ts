import { exportLines, hasRecords, monthly, report } from "../activity/index.js";
import type { ReportOptions } from "../activity/index.js";
import { invalid } from "../errors.js";
import type { ActivityRoom } from "./rooms.js";

/** Client counts as sys/ shows them. Each reads the store by itself, in pages, rather than in the request's view. */
export function activityRoom(options: ReportOptions): ActivityRoom {
  let isExporting = false;

  async function* lasting(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
    try {
      yield first;
      yield* rest;
    } finally {
      isExporting = false;
    }
  }

  return {
    report: (period) => report(options, period),
    monthly: () => monthly(options),
    hasRecords: () => hasRecords(options),
    async export(period, format) {
      if (isExporting) throw invalid("existing export in progress");
      isExporting = true;
      let isBegun = false;
      try {
        const lines = exportLines(options, period, format);
        const { done, value } = await lines.next();
        if (done === true) return undefined;
        isBegun = true;
        return lasting(value, lines);
      } finally {
        if (!isBegun) isExporting = false;
      }
    },
  };
}

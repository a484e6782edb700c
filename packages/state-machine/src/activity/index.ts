export type { Client, ClientKind } from "./client.js";
export { activityConfig, isCounting, putActivityConfig } from "./config.js";
export type { ActivityConfig } from "./config.js";
export { exportLines } from "./export.js";
export type { ExportFormat } from "./export.js";
export { createActivityRecorder } from "./recorder.js";
export type { ActivityRecorder } from "./recorder.js";
export { MAX_MONTHS, billingStart, hasRecords, monthly, periodOf, report } from "./report.js";
export type { Period, ReportOptions } from "./report.js";

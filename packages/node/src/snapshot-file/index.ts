export type { SnapshotFileMeta } from "./meta.js";
export { readSnapshotFile } from "./read.js";
export type { SnapshotFile } from "./read.js";
export { summariseSnapshot } from "./summary.js";
export type { StateSummary } from "./summary.js";
export { writeSnapshotFile } from "./write.js";
export type { SnapshotFileInput } from "./write.js";

export type { SnapshotFileMeta } from "./meta.js";
export { readSnapshotFile } from "./read.js";
export type { SnapshotFile } from "./read.js";
export { writeSnapshotFile } from "./write.js";
export type { SnapshotFileInput } from "./write.js";

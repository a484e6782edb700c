export { createApiCertificates } from "./certificates/certificates.js";
export { diagnose, SKIPPABLE } from "./diagnose/diagnose.js";
export type { Skippable } from "./diagnose/diagnose.js";
export type { Finding } from "./diagnose/finding.js";
export { runServer } from "./server/run-server.js";
export type { ServerOptions } from "./server/run-server.js";
export { readSnapshotFile } from "./snapshot-file/index.js";
export { runMigration } from "./storage/run-migration.js";
export type { MigrationOutcome } from "./storage/run-migration.js";

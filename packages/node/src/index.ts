export { createApiCertificates } from "./certificates/certificates.js";
export { runServer } from "./server/run-server.js";
export type { ServerOptions } from "./server/run-server.js";
export { readSnapshotFile } from "./snapshot-file/index.js";

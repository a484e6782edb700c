export type * from "./core/types.js";
export type * from "./host/api.js";
export { createCore } from "./core/core.js";
export { createRaftHost } from "./host/host.js";
export { DamagedLogError } from "./log/record.js";
export { CLIENT_OPTIONS, clientCredentials, CLUSTER_SERVER_NAME } from "./transport/credentials.js";

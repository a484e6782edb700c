export { createAuditBroker } from "./broker.js";
export type { AuditBroker } from "./broker.js";
export * from "./device.js";
export { auditHmac } from "./hmac.js";
export type { AuditRecord } from "./record.js";

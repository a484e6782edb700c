export { createAuditBroker } from "./broker.js";
export type { AuditBroker } from "./broker.js";
export { declareAudit } from "./declare.js";
export type { DeclaredAuditDevice } from "./declare.js";
export * from "./device.js";
export { auditHmac } from "./hmac.js";
export type { AuditRecord } from "./record.js";
export { auditedHeaders, setAuditedHeader } from "./request-headers.js";
export type { AuditedHeaders } from "./request-headers.js";

export * from "./ledger.js";
export * from "./record.js";
export * from "./rollback.js";

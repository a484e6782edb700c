export type { ServerCertificate } from "./account.js";
export * from "./mariadb.js";
export * from "./moto.js";
export * from "./postgres.js";
export * from "./program.js";
export * from "./redis.js";
export * from "./slapd.js";
export * from "./sshd.js";

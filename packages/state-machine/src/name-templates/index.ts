export { NameTemplateError } from "./error.js";
export { parseNameTemplate } from "./template.js";
export type { NameTemplate } from "./template.js";

export { NameTemplateError } from "./error.js";
export { parseNameTemplate, parseOpenTemplate } from "./template.js";
export type { NameTemplate } from "./template.js";

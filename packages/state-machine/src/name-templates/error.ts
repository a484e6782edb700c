/** What a template says that it cannot say, or asks for and cannot have. */
export class NameTemplateError extends Error {
  override readonly name = "NameTemplateError";
}

/** What went wrong, in words; some drivers put them into a code or a name only. */
export function reasonOf(error: unknown): string {
  const { message, code, name } = error as { readonly message?: string; readonly code?: string; readonly name?: string };
  return message || code || name || String(error);
}

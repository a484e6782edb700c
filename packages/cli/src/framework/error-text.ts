/** "open p.hcl: no such file or directory": an error about a file in the words of Vault's CLI; others as they are. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { syscall, path, code } = error as NodeJS.ErrnoException;
  const reason = /^[A-Z0-9_]+: ([^,]+)(?:,|$)/.exec(error.message)?.[1];
  if (code === undefined || syscall === undefined || reason === undefined) return error.message;
  return path === undefined ? `${syscall}: ${reason}` : `${syscall === "access" ? "open" : syscall} ${path}: ${reason}`;
}

/** Whether a text fits a pattern in which `*` stands for any text, as Vault's globs do: no other character is special. */
export function fitsGlob(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const first = parts.shift()!;
  if (parts.length === 0) return text === first;
  const last = parts.pop()!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

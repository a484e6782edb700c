/** "===== Title =====", about as wide as what stands under it. */
export function formatHeader(title: string, width: number): string {
  let signs = width - (title.length + 2);
  if (signs <= 0) signs = 4;
  const side = "=".repeat(Math.ceil(signs / 2));
  return `${side} ${title} ${side}`;
}

/** A header as wide as the table of these fields, measured by its longest key. */
export function formatMapHeader(title: string, data: Readonly<Record<string, unknown>>): string {
  const longest = Math.max(0, ...Object.keys(data).map((key) => Buffer.byteLength(key)));
  return formatHeader(title, longest + "    ".length + "value".length);
}

const GLUE = "    ";
const EMPTY = "n/a";

/** Rows of cells as aligned columns. A cell without text is "n/a"; the last column is not padded. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.trim()).map((cell) => (cell === "" ? EMPTY : cell)));
  const widths: number[] = [];
  for (const row of cells) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, width(cell))));
  return cells
    .map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - width(cell)))).join(GLUE))
    .join("\n");
}

/** As formatColumns, with a line of dashes under the first row. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const [header, ...rest] = rows;
  if (header === undefined) return "";
  return formatColumns([header, header.map((cell) => "-".repeat(Buffer.byteLength(cell.trim()))), ...rest]);
}

function width(text: string): number {
  return [...text].length;
}

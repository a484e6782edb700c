/** The widest line of prose. */
const MAX_LINE = 78;

/** Prose broken between words at 78 columns, every line indented by `padding` spaces. */
export function wrapText(text: string, padding = 0): string {
  const limit = MAX_LINE - padding;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) lines.push(...balance(paragraph.split(" ").filter((word) => word !== ""), limit));
  return lines.map((line) => " ".repeat(padding) + line).join("\n");
}

/** Splits words into lines so that the squares of the unused columns, the last line's aside, add up to the least. */
function balance(words: readonly string[], limit: number): string[] {
  if (words.length === 0) return [""];
  const best: { cost: number; next: number }[] = [];
  for (let from = words.length - 1; from >= 0; from--) {
    let length = -1;
    let choice = { cost: Infinity, next: from + 1 };
    for (let next = from + 1; next <= words.length; next++) {
      length += 1 + (words[next - 1] ?? "").length;
      if (length > limit && next > from + 1) break;
      const last = next === words.length;
      const waste = last && length <= limit ? 0 : length > limit ? 1e5 : (limit - length) ** 2;
      const cost = waste + (last ? 0 : (best[next]?.cost ?? 0));
      if (cost < choice.cost) choice = { cost, next };
    }
    best[from] = choice;
  }
  const lines: string[] = [];
  for (let from = 0; from < words.length; ) {
    const next = best[from]?.next ?? words.length;
    lines.push(words.slice(from, next).join(" "));
    from = next;
  }
  return lines;
}

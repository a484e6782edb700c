/** Longest level, in brackets. */
const LEVEL_WIDTH = "[ERROR]".length;
const PLAIN = /^[\w./:@+-]+$/;

/** A JSON line as Vault writes it for people: time, level, name, message, then key=value. Always one line. */
export function standardLine(json: string): string {
  const { "@timestamp": time, "@level": level, "@module": name, "@message": message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([key, value]) => `${oneLine(key)}=${typeof value === "string" && PLAIN.test(value) ? value : JSON.stringify(value)}`);
  const label = `[${String(level).toUpperCase()}]`.padEnd(LEVEL_WIDTH);
  return `${String(time)} ${label} ${oneLine(name)}: ${oneLine(message)}${pairs.length > 0 ? `: ${pairs.join(" ")}` : ""}\n`;
}

/** A message must not forge another line, nor speak to the terminal. */
function oneLine(value: unknown): string {
  return String(value ?? "").replace(/[\p{Cc}\u2028\u2029]/gu, (char) => (char === "\n" ? "\\n" : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

/**
 * Statements as Vault takes them: each entry is SQL, in clear or in base64, one statement or several parted by semicolons, or a
 * JSON list of statements. What is filled in for `{{name}}` and the like is raw text: quoting is the template's.
 */
export type Values = Readonly<Partial<Record<"name" | "username" | "password" | "expiration", string>>>;

export function splitStatements(entries: readonly string[]): readonly string[] {
  return entries.flatMap((entry) => splitOne(entry)).map((one) => one.trim()).filter((one) => one !== "");
}

function splitOne(entry: string): readonly string[] {
  const text = unpack(entry.trim());
  if (text.startsWith("[")) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list;
    } catch {
      // SQL, then.
    }
  }
  return text.split(";");
}

/** Only what base64 would write like that is base64. */
export function unpack(text: string): string {
  if (text === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes.toString("utf8") : text;
}

export function fillIn(statement: string, values: Values): string {
  return statement.replace(/\{\{(name|username|password|expiration)\}\}/g, (whole, key: keyof Values) => values[key] ?? whole);
}

/** `2006-01-02 15:04:05+0000`, as PostgreSQL's VALID UNTIL takes it. */
export function expirationText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}+0000`;
}

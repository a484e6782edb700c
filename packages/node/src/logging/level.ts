export const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Vault's other names for levels. */
const ALIASES: Readonly<Record<string, Level>> = { notice: "info", warning: "warn", err: "error" };

/** The level that Vault's configuration and API mean by a name; undefined for none. */
export function levelNamed(text: string): Level | undefined {
  const name = text.trim().toLowerCase();
  return LEVELS.find((level) => level === name) ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined);
}

export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text);
}

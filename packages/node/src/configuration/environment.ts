/** Environment variables, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration cannot be used; the message is for the operator. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** A variable's value; one that is set to nothing is not set, as Vault and compose files have it. */
export function variable(environment: Environment, name: string): string | undefined {
  return environment[name] || undefined;
}

/** The server answered, and the answer is an error. `message` reads as Vault's clients print it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The server's own lines; empty for a plain miss (404). The raw text, alone, when the body was not JSON. */
  readonly errors: readonly string[];
  /** Whatever `data` came with the error: KV v2 answers 404 with the metadata of a deleted version. */
  readonly data: Record<string, unknown> | undefined;
  readonly warnings: readonly string[];
  readonly method: string;
  readonly url: string;
  /** The body as it came. */
  readonly text: string;

  constructor(answer: { status: number; method: string; url: string; text: string; namespace?: string | undefined }) {
    const parsed = parseErrorBody(answer.text);
    super(describe(answer, parsed));
    this.status = answer.status;
    this.method = answer.method;
    this.url = answer.url;
    this.text = answer.text;
    this.errors = parsed.errors;
    this.data = parsed.data;
    this.warnings = parsed.warnings;
  }
}

/** No answer: nothing listens, the name does not resolve, TLS failed, or time ran out. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** Node's code (ECONNREFUSED, ENOTFOUND, DEPTH_ZERO_SELF_SIGNED_CERT, …) or "ETIMEDOUT". */
  readonly code: string;
  readonly method: string;
  readonly url: string;

  constructor(failure: { code: string; method: string; url: string; reason: string; cause?: unknown }) {
    super(`${failure.method} ${failure.url}: ${failure.reason}`, { cause: failure.cause });
    this.code = failure.code;
    this.method = failure.method;
    this.url = failure.url;
  }
}

/** The client was set up wrongly: an address that is no URL, a certificate that cannot be read. */
export class ClientSetupError extends Error {
  override readonly name = "ClientSetupError";
}

type ErrorBody = { raw: boolean; errors: string[]; data: Record<string, unknown> | undefined; warnings: string[] };

function parseErrorBody(text: string): ErrorBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { raw: true, errors: [text], data: undefined, warnings: [] };
  }
  if (typeof body !== "object" || body === null) return { raw: true, errors: [text], data: undefined, warnings: [] };
  const fields = body as Record<string, unknown>;
  const data = fields["data"];
  return {
    raw: false,
    errors: strings(fields["errors"]),
    data: typeof data === "object" && data !== null ? (data as Record<string, unknown>) : undefined,
    warnings: strings(fields["warnings"]),
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function describe(answer: { status: number; method: string; url: string; namespace?: string | undefined }, body: ErrorBody): string {
  const namespace = answer.namespace !== undefined && answer.namespace !== "" && answer.namespace !== "root/" ? `Namespace: ${answer.namespace}\n` : "";
  const label = body.raw ? "Raw Message" : "Errors";
  const lines = body.raw ? (body.errors[0] ?? "") : body.errors.map((line) => `* ${line}`).join("\n");
  return `Error making API request.\n\n${namespace}URL: ${answer.method} ${answer.url}\nCode: ${answer.status}. ${label}:\n\n${lines}`;
}

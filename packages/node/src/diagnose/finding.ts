/** What a check found; Vault's shape of `operator diagnose -format=json`. */
export interface Finding {
  /** RFC 3339. */
  readonly time: string;
  readonly name: string;
  readonly status: Status;
  readonly warnings?: readonly string[];
  readonly message?: string;
  readonly Advice: string;
  readonly children?: readonly Finding[];
}

export type Status = "ok" | "warn" | "fail" | "skip";

/** What a check may say of what it looks at, and the checks that it is made of. */
export interface Check {
  /** Not as it should be, and no reason not to start. */
  warn(text: string, advice?: string): void;
  /** Not looked at. */
  skip(reason: string): void;
  /** A check within this one. A text that comes back is its message; an error is a failure. Never rejects. */
  look(name: string, work: (check: Check) => Promise<string | void> | string | void): Promise<void>;
}

/** A failure, with what could be done about it. */
export class DiagnosedError extends Error {
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

const SEVERITY: Readonly<Record<Status, number>> = { skip: 0, ok: 1, warn: 2, fail: 3 };

export const worse = (a: Status, b: Status): Status => (SEVERITY[b] > SEVERITY[a] ? b : a);

/** Runs a check and all within it. Never rejects. */
export async function examine(name: string, work: Parameters<Check["look"]>[1]): Promise<Finding> {
  const time = new Date().toISOString();
  const warnings: string[] = [];
  const children: Finding[] = [];
  const advices: string[] = [];
  let skipped: string | undefined;
  let failure: string | undefined;
  let message: string | void = undefined;
  const check: Check = {
    warn(text, advice) {
      warnings.push(text);
      if (advice !== undefined) advices.push(advice);
    },
    skip: (reason) => void (skipped = reason),
    look: async (inner, innerWork) => void children.push(await examine(inner, innerWork)),
  };
  try {
    message = await work(check);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    if (error instanceof DiagnosedError) advices.push(error.advice);
  }
  const own: Status = failure !== undefined ? "fail" : warnings.length > 0 ? "warn" : skipped !== undefined ? "skip" : "ok";
  const text = failure ?? skipped ?? message;
  return {
    time,
    name,
    // A check of which all parts were skipped was not made.
    status: children.length > 0 && own === "ok" ? children.map(({ status }) => status).reduce(worse) : children.map(({ status }) => status).reduce(worse, own),
    ...(warnings.length > 0 && { warnings }),
    ...(text !== undefined && { message: text }),
    Advice: advices.join(" "),
    ...(children.length > 0 && { children }),
  };
}

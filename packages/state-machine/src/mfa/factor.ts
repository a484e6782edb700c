import type { AskedMethod } from "./method.js";

/** What somebody else's service is asked about somebody who logs in. */
export interface FactorQuestion {
  readonly method: AskedMethod;
  /** As the service knows them. */
  readonly username: string;
  /** Undefined: they are asked on their telephone. */
  readonly passcode: string | undefined;
  readonly remoteAddress: string;
}

/** Undefined: it is they. Else why not, in words that hold no secret. Never rejects. */
export type AskFactor = (question: FactorQuestion) => Promise<string | undefined>;

/**
 * What a request has been told so far. A service is asked outside of any transaction, once a request, however often that is
 * evaluated: an evaluation that finds no verdict ends with `FactorNeeded`, and the next one finds it.
 */
export class Verdicts {
  readonly #told = new Map<string, string | undefined>();

  /** Throws FactorNeeded where nobody was asked yet. */
  of(question: FactorQuestion): string | undefined {
    const key = keyOf(question);
    if (!this.#told.has(key)) throw new FactorNeeded(question);
    return this.#told.get(key);
  }

  tell(question: FactorQuestion, verdict: string | undefined): void {
    this.#told.set(keyOf(question), verdict);
  }
}

/** The settings belong to it: what the former ones' service said says nothing of the new ones. */
const keyOf = ({ method, username, passcode }: FactorQuestion): string => JSON.stringify([method, username, passcode ?? null]);

/** Ends an evaluation, not a request. */
export class FactorNeeded extends Error {
  readonly question: FactorQuestion;

  constructor(question: FactorQuestion) {
    super("a second factor has to be asked for");
    this.name = "FactorNeeded";
    this.question = question;
  }
}

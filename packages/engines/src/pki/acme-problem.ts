/** RFC 8555, 6.7: kinds of problems, with their HTTP status. */
export const PROBLEM_STATUS = Object.freeze({
  accountDoesNotExist: 400,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badSignatureAlgorithm: 400,
  badRevocationReason: 400,
  externalAccountRequired: 403,
  invalidContact: 400,
  malformed: 400,
  orderNotReady: 403,
  rejectedIdentifier: 400,
  unauthorized: 403,
  unsupportedIdentifier: 400,
  userActionRequired: 403,
} as const);

export type ProblemKind = keyof typeof PROBLEM_STATUS;

/** Ends an ACME request: its answer is a problem document (RFC 7807), and nothing else of the request is kept. */
export class AcmeProblem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, detail: string) {
    super(detail);
    this.name = "AcmeProblem";
    this.kind = kind;
  }

  get document(): Readonly<Record<string, unknown>> {
    return { type: `urn:ietf:params:acme:error:${this.kind}`, detail: this.message, status: PROBLEM_STATUS[this.kind] };
  }
}

/** RFC 8555, 6.7: kinds of problems, with their HTTP status where Vault has it. */
export const PROBLEM_STATUS = Object.freeze({
  accountDoesNotExist: 400,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badSignatureAlgorithm: 400,
  badRevocationReason: 400,
  externalAccountRequired: 401,
  invalidContact: 400,
  malformed: 400,
  orderNotReady: 403,
  rejectedIdentifier: 400,
  serverInternal: 500,
  unauthorized: 401,
  unsupportedIdentifier: 400,
  userActionRequired: 401,
} as const);

export type ProblemKind = keyof typeof PROBLEM_STATUS;

/** Ends an ACME request: its answer is a problem document (RFC 7807), and nothing else of the request is kept. */
export class AcmeProblem extends Error {
  readonly kind: ProblemKind;
  readonly status: number;
  /** Where what is in the way is to be found. */
  readonly location: string | undefined;

  constructor(kind: ProblemKind, detail: string, { status, location }: { readonly status?: number; readonly location?: string } = {}) {
    super(detail);
    this.name = "AcmeProblem";
    this.kind = kind;
    this.status = status ?? PROBLEM_STATUS[kind];
    this.location = location;
  }

  get document(): Readonly<Record<string, unknown>> {
    return { type: `urn:ietf:params:acme:error:${this.kind}`, detail: this.message, status: this.status };
  }
}

/** What every secret answer looks like on the wire. All keys are present; `null` where there is nothing. */
export type Envelope<Data = Record<string, unknown>> = {
  readonly request_id: string;
  readonly lease_id: string;
  readonly renewable: boolean;
  /** Seconds. */
  readonly lease_duration: number;
  readonly data: Data;
  readonly wrap_info: WrapInfo | null;
  readonly warnings: readonly string[] | null;
  readonly auth: Auth | null;
  readonly mount_type?: string;
};

export type WrapInfo = {
  readonly token: string;
  readonly accessor: string;
  /** Seconds. */
  readonly ttl: number;
  readonly creation_time: string;
  readonly creation_path: string;
  readonly wrapped_accessor?: string;
};

export type Auth = {
  readonly client_token: string;
  readonly accessor: string;
  readonly policies: readonly string[] | null;
  readonly token_policies: readonly string[] | null;
  readonly identity_policies?: readonly string[] | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Seconds; 0 for a token that does not expire. */
  readonly lease_duration: number;
  readonly renewable: boolean;
  readonly entity_id: string;
  readonly token_type: string;
  readonly orphan: boolean;
  readonly num_uses: number;
  readonly mfa_requirement: MfaRequirement | null;
};

export type MfaRequirement = {
  readonly mfa_request_id: string;
  readonly mfa_constraints: Readonly<
    Record<string, { readonly any: readonly { readonly type: string; readonly id: string; readonly uses_passcode: boolean; readonly name?: string }[] }>
  >;
};

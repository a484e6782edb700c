/** Entries that were proposed in one turn, by their calls' ids. Objects and memory of their own would cost both threads microseconds each. */
export interface Proposals {
  readonly ids: readonly number[];
  readonly terms: readonly number[];
  readonly lengths: readonly number[];
  /** One behind the other. */
  readonly bytes: Uint8Array;
}

export interface Proposal {
  readonly id: number;
  readonly term: number;
  readonly entry: Uint8Array;
}

export function packProposals(proposals: readonly Proposal[]): Proposals {
  const lengths = proposals.map(({ entry }) => entry.length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const { entry } of proposals) {
    bytes.set(entry, at);
    at += entry.length;
  }
  return { ids: proposals.map(({ id }) => id), terms: proposals.map(({ term }) => term), lengths, bytes };
}

export function unpackProposals({ ids, terms, lengths, bytes }: Proposals, each: (proposal: Proposal) => void): void {
  let at = 0;
  ids.forEach((id, i) => each({ id, term: terms[i]!, entry: bytes.subarray(at, (at += lengths[i]!)) }));
}

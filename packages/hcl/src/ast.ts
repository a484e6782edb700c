/** 1-based, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Value =
  | { readonly kind: "string"; readonly value: string; readonly at: Position }
  /** `text` as it is written, for where a string is wanted (`mode = 0600`). */
  | { readonly kind: "number"; readonly value: number; readonly text: string; readonly at: Position }
  | { readonly kind: "bool"; readonly value: boolean; readonly at: Position }
  | { readonly kind: "null"; readonly at: Position }
  | { readonly kind: "list"; readonly items: readonly Value[]; readonly at: Position }
  | { readonly kind: "object"; readonly body: Body; readonly at: Position };

/** `key = value`. */
export interface Attribute {
  readonly kind: "attribute";
  readonly name: string;
  readonly file: string;
  readonly at: Position;
  readonly value: Value;
}

/** `name "label" { … }`. */
export interface Block {
  readonly kind: "block";
  readonly name: string;
  readonly file: string;
  readonly at: Position;
  readonly labels: readonly string[];
  readonly body: Body;
}

export type Item = Attribute | Block;

/** What a file or a block holds. The items of a body that was merged from several files name their own. */
export interface Body {
  readonly items: readonly Item[];
  readonly file: string;
  readonly at: Position;
}

/** A file that is not what it should be: where, and what to do about it. */
export class HclError extends Error {
  override readonly name = "HclError";
  readonly file: string;
  readonly at: Position;
  readonly problem: string;

  constructor(file: string, at: Position, problem: string) {
    super(`${file}:${at.line}:${at.column}: ${problem}`);
    this.file = file;
    this.at = at;
    this.problem = problem;
  }
}

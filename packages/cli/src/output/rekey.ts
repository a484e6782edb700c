import { formatTable } from "./columns.js";

export type RekeyStatus = {
  readonly nonce: string;
  readonly started: boolean;
  readonly t: number;
  readonly n: number;
  readonly progress: number;
  readonly required?: number;
  readonly pgp_fingerprints?: readonly string[] | null;
  readonly backup?: boolean;
  readonly verification_required?: boolean;
  readonly verification_nonce?: string;
};

export type RekeyResult = {
  readonly complete?: boolean;
  readonly nonce: string;
  readonly keys?: readonly string[];
  readonly keys_base64?: readonly string[];
  readonly pgp_fingerprints?: readonly string[] | null;
  readonly backup?: boolean;
  readonly verification_required?: boolean;
  readonly verification_nonce?: string;
  readonly warnings?: readonly string[];
};

const MEMBERS = ["nonce", "started", "complete", "t", "n", "progress", "required", "keys", "keys_base64", "pgp_fingerprints", "backup", "verification_required", "verification_nonce", "warnings"] as const;

/** What sys/rekey answers, in the order in which Vault's CLI prints it. */
export function orderedRekey(answer: RekeyStatus | RekeyResult): Map<string, unknown> {
  const record: Readonly<Record<string, unknown>> = answer;
  return new Map(MEMBERS.filter((name) => name in record && !(name === "warnings" && record[name] === null)).map((name) => [name, record[name]]));
}

/** sys/rekey/init as a table. */
export function formatRekeyStatus(status: RekeyStatus): string {
  const rows: [string, string][] = [["Key", "Value"], ["Nonce", status.nonce], ["Started", String(status.started)]];
  if (status.started) {
    const isDone = status.progress === status.required || (status.verification_nonce ?? "") !== "";
    rows.push(["Rekey Progress", `${status.progress}/${status.required ?? 0}${isDone ? " (verification in progress)" : ""}`]);
    if (status.n > 0) rows.push(["New Shares", String(status.n)]);
    if (status.t > 0) rows.push(["New Threshold", String(status.t)]);
    rows.push(["Verification Required", String(status.verification_required ?? false)]);
    if ((status.verification_nonce ?? "") !== "") rows.push(["Verification Nonce", status.verification_nonce!]);
  }
  if ((status.pgp_fingerprints ?? []).length > 0) rows.push(["PGP Fingerprints", `[${status.pgp_fingerprints!.join(" ")}]`], ["Backup", String(status.backup ?? false)]);
  return formatTable(rows);
}

/** sys/rekey/verify as a table. */
export function formatVerification(status: RekeyStatus): string {
  return formatTable([
    ["Key", "Value"],
    ["Started", String(status.started)],
    ["New Shares", String(status.n)],
    ["New Threshold", String(status.t)],
    ["Verification Nonce", status.nonce],
    ["Verification Progress", `${status.progress}/${status.t}`],
  ]);
}

/** One line a share. */
export function formatNewKeys({ keys = [], keys_base64: base64 = [], pgp_fingerprints: fingerprints }: RekeyResult): readonly string[] {
  const shown = base64.length === keys.length ? base64 : keys;
  return shown.map((key, at) => `Key ${at + 1}${fingerprints?.[at] === undefined ? "" : ` fingerprint: ${fingerprints[at]}; value`}: ${key}`);
}

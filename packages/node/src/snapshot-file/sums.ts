import { createHash } from "node:crypto";
import { invalid } from "@coffer/state-machine";

/** Lower-case hex SHA-256 of each file, in the order of the file SHA256SUMS. */
export type Sums = ReadonlyMap<string, string>;

const LINE = /^([0-9a-f]{64}) {2}(\S+)$/;

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** As sha256sum(1) writes them. */
export function encodeSums(sums: Sums): Uint8Array {
  return Buffer.from([...sums].map(([file, digest]) => `${digest}  ${file}\n`).join(""));
}

/** Every file has its line and every line its file, with the right digest; else RequestError `invalid_request`. */
export function checkSums(bytes: Uint8Array, found: Sums): void {
  const listed = new Map<string, string>();
  for (const line of Buffer.from(bytes).toString("latin1").replace(/\n$/, "").split("\n")) {
    const [, digest, file] = LINE.exec(line) ?? [];
    if (digest === undefined || file === undefined || listed.has(file)) throw invalid("the snapshot's SHA256SUMS is malformed");
    if (!found.has(file)) throw invalid(`the snapshot's SHA256SUMS names ${JSON.stringify(file)}, which is not in it`);
    listed.set(file, digest);
  }
  for (const [file, digest] of found) {
    if (!listed.has(file)) throw invalid(`the snapshot's SHA256SUMS does not cover ${file}`);
    if (listed.get(file) !== digest) throw invalid(`the snapshot's ${file} does not match its checksum`);
  }
}

import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { bitsOf, child, CONTEXT, oidOf, readSequence, TAG, timeOf } from "./asn1.js";
import type { Asn1 } from "./asn1.js";
import type { RevokedEntry } from "./crl.js";
import { pemBlocks } from "./pem.js";
import { verifySignature } from "./signer.js";

export interface Crl {
  readonly entries: readonly RevokedEntry[];
  readonly isSignedBy: (key: KeyObject) => boolean;
}

const WHAT = "the CRL";
const isTime = ({ tag }: Asn1) => tag === UTC_TIME || tag === GENERALIZED_TIME;
const UTC_TIME = 23;
const GENERALIZED_TIME = 24;

/** One PEM block (RFC 5280, 5.1). Extensions are not read. Throws RequestError 400. */
export function parseCrl(text: string): Crl {
  const blocks = pemBlocks(text);
  if (blocks.length !== 1 || blocks[0]!.label !== "X509 CRL") throw invalid("invalid crl; should be one PEM block only");
  const root = readSequence(blocks[0]!.der, WHAT);
  const tbs = child(root, 0, WHAT);
  const version = tbs.children[0]?.tag === TAG.integer ? 1 : 0;
  // Algorithm and issuer come first; then one or two times, then the entries, if there are any.
  const rest = tbs.children.slice(version + 2).filter((node) => !isTime(node));
  const list = rest.find(({ tag }) => tag === TAG.sequence);
  if (rest.some((node) => node !== list && node.tag !== CONTEXT)) throw invalid(`${WHAT} is malformed`);
  const algorithm = oidOf(child(root, 1, WHAT).children[0]);
  const signature = bitsOf(child(root, 2, WHAT));
  return { entries: (list?.children ?? []).map(entryOf), isSignedBy: (key) => verifySignature(algorithm, tbs.der, key, signature) };
}

function entryOf(entry: Asn1): RevokedEntry {
  const serial = child(entry, 0, WHAT);
  if (serial.tag !== TAG.integer) throw invalid(`${WHAT} is malformed`);
  return { serial: serial.content, revokedMs: timeOf(child(entry, 1, WHAT), WHAT) };
}

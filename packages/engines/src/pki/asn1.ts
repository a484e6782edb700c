import { fromBER, GeneralizedTime, ObjectIdentifier, UTCTime } from "asn1js";
import type { BaseBlock } from "asn1js";
import { invalid } from "@coffer/state-machine";

/** One value of an ASN.1 document, as asn1js read it. */
export interface Asn1 {
  /** 0x80 + n for a context tag `[n]`, else the universal tag's number. */
  readonly tag: number;
  readonly children: readonly Asn1[];
  /** Without tag and length. */
  readonly content: Buffer;
  readonly der: Buffer;
  readonly block: BaseBlock;
}

export const CONTEXT = 0x80;
export const TAG = Object.freeze({ boolean: 1, integer: 2, bitString: 3, octetString: 4, oid: 6, utf8String: 12, sequence: 16, set: 17 });
/** asn1js' number for the context class. */
const CONTEXT_CLASS = 3;
const MAX_DEPTH = 40;

/** Throws RequestError 400, naming `what`, for bytes that are not one DER value. */
export function readAsn1(bytes: Uint8Array, what: string): Asn1 {
  const block = parse(new Uint8Array(bytes));
  if (!block) throw invalid(`${what} is not valid DER`);
  return convert(block, what, 0);
}

const SEQUENCE_BYTE = 0x30;

/** As `readAsn1`, of a SEQUENCE. */
export function readSequence(bytes: Uint8Array, what: string): Asn1 {
  if (bytes[0] !== SEQUENCE_BYTE) throw invalid(`${what} is not valid DER`);
  return readAsn1(bytes, what);
}

/** asn1js tells of most wrong documents, and throws for some. */
function parse(bytes: Uint8Array): BaseBlock | undefined {
  try {
    const { offset, result } = fromBER(bytes);
    const { idBlock, lenBlock } = result;
    return offset === bytes.length && !lenBlock.isIndefiniteForm && idBlock.blockLength + lenBlock.blockLength + lenBlock.length === bytes.length ? result : undefined;
  } catch {
    return undefined;
  }
}

function convert(block: BaseBlock, what: string, depth: number): Asn1 {
  if (depth > MAX_DEPTH) throw invalid(`${what} is nested too deeply`);
  const { idBlock } = block;
  const der = Buffer.from(block.valueBeforeDecodeView);
  const inner = (block.valueBlock as unknown as { readonly value?: unknown }).value;
  const children = idBlock.isConstructed && Array.isArray(inner) ? (inner as BaseBlock[]).map((one) => convert(one, what, depth + 1)) : [];
  const start = idBlock.blockLength + block.lenBlock.blockLength;
  return { tag: idBlock.tagClass === CONTEXT_CLASS ? CONTEXT + idBlock.tagNumber : idBlock.tagNumber, children, content: der.subarray(start), der, block };
}

/** Throws RequestError 400 where a value is missing or another. */
export function child(node: Asn1, index: number, what: string): Asn1 {
  const found = node.children[index];
  if (!found) throw invalid(`${what} is not complete`);
  return found;
}

/** "1.2.840…"; empty for what is no object identifier. */
export function oidOf(node: Asn1 | undefined): string {
  return node?.block instanceof ObjectIdentifier ? node.block.valueBlock.toString() : "";
}

/** Milliseconds since 1970. */
export function timeOf({ block }: Asn1, what: string): number {
  const date = block instanceof GeneralizedTime || block instanceof UTCTime ? block.toDate() : undefined;
  const ms = date?.getTime() ?? NaN;
  if (Number.isNaN(ms)) throw invalid(`${what} has a malformed time`);
  return ms;
}

/** Of any string type. */
export function textOf(node: Asn1): string {
  const { value } = node.block.valueBlock as unknown as { readonly value?: unknown };
  return typeof value === "string" ? value : node.content.toString("utf8");
}

/** The bits of a BIT STRING, without the count of unused ones. */
export const bitsOf = (node: Asn1): Buffer => node.content.subarray(1);
export const numberOf = (node: Asn1): number => (node.content.length > 6 ? Number.MAX_SAFE_INTEGER : node.content.length === 0 ? 0 : node.content.readIntBE(0, node.content.length));

import { isIP } from "node:net";
import { CONTEXT, oidOf, readAsn1, TAG } from "./asn1.js";
import { explicit, ia5, implicit, oid, sequence, tlv, utf8String } from "./der.js";

export interface OtherName {
  readonly oid: string;
  readonly value: string;
}

/** Subject alternative names, by their kind. */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  /** As text. */
  readonly ips: readonly string[];
  readonly uris: readonly string[];
  readonly others: readonly OtherName[];
}

export const NO_NAMES: AlternativeNames = Object.freeze({ dns: [], emails: [], ips: [], uris: [], others: [] });

const EMAIL = 1;
const DNS = 2;
const URI = 6;
const IP = 7;

/** The SEQUENCE of names that the extension holds; undefined for none. */
export function encodeNames({ dns, emails, ips, uris, others }: AlternativeNames): Buffer | undefined {
  const names = [
    ...others.map((other) => tlv(0xa0, oid(other.oid), explicit(0, utf8String(other.value)))),
    ...dns.map((name) => implicit(DNS, ia5(name))),
    ...emails.map((email) => implicit(EMAIL, ia5(email))),
    ...ips.map((ip) => implicit(IP, ipBytes(ip)!)),
    ...uris.map((uri) => implicit(URI, ia5(uri))),
  ];
  return names.length > 0 ? sequence(...names) : undefined;
}

/** Throws RequestError 400. Names of other kinds (directory names, registered ids) are left out. */
export function readNames(extension: Uint8Array): AlternativeNames {
  const found = { dns: [] as string[], emails: [] as string[], ips: [] as string[], uris: [] as string[], others: [] as OtherName[] };
  for (const { tag, content, children } of readAsn1(extension, "the subject alternative name").children) {
    if (tag === CONTEXT + DNS) found.dns.push(content.toString("latin1"));
    else if (tag === CONTEXT + EMAIL) found.emails.push(content.toString("latin1"));
    else if (tag === CONTEXT + URI) found.uris.push(content.toString("latin1"));
    else if (tag === CONTEXT + IP) found.ips.push(ipText(content));
    else if (tag === CONTEXT) {
      const value = children[1]?.children[0];
      if (value?.tag === TAG.utf8String) found.others.push({ oid: oidOf(children[0]), value: value.content.toString("utf8") });
    }
  }
  return found;
}

/** 4 or 16 bytes; undefined for what is no address. */
export function ipBytes(text: string): Buffer | undefined {
  const kind = isIP(text);
  if (kind === 4) return Buffer.from(text.split(".").map(Number));
  if (kind !== 6 || text.includes("%")) return undefined;
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = mapped ? `${mapped[1]}${hexGroups(mapped[2]!)}` : text;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  const bytes = Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
  // Go keeps an IPv4 address in IPv6's clothes as the IPv4 address that it is.
  return bytes.subarray(0, 12).equals(V4_IN_V6) ? bytes.subarray(12) : bytes;
}

const V4_IN_V6 = Buffer.from("00000000000000000000ffff", "hex");

function hexGroups(v4: string): string {
  const [a, b, c, d] = v4.split(".").map(Number) as [number, number, number, number];
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const hex = Buffer.from(bytes).toString("hex").match(/.{1,4}/g) ?? [];
  return hex.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

/** Whether an address is in a network ("10.0.0.0/8"). */
export function inCidr(ip: string, cidr: string): boolean {
  const network = parseCidr(cidr);
  const address = ipBytes(ip);
  if (!network || !address || address.length !== network.bytes.length) return false;
  const masked = maskBytes(address, network.bits);
  return masked.equals(network.bytes);
}

export function parseCidr(cidr: string): { readonly bytes: Buffer; readonly bits: number; readonly text: string } | undefined {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(cidr);
  const address = match && ipBytes(match[1]!);
  const bits = Number(match?.[2]);
  if (!address || bits > address.length * 8) return undefined;
  const bytes = maskBytes(address, bits);
  return { bytes, bits, text: `${ipText(bytes).replace(/(^|:)0(:0)+(:|$)/, "::")}/${bits}` };
}

const maskBytes = (bytes: Buffer, bits: number): Buffer => Buffer.from(bytes.map((byte, i) => (bits >= (i + 1) * 8 ? byte : bits <= i * 8 ? 0 : byte & (0xff << (8 - (bits - i * 8))))));

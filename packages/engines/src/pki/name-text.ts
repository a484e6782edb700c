import { oidOf, textOf } from "./asn1.js";
import type { Asn1 } from "./asn1.js";
import { OID } from "./oids.js";

export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** The attributes of a Name, in their order. */
export function nameAttributes(name: Asn1): NameAttribute[] {
  return name.children.flatMap((relative) => relative.children.flatMap(({ children: [type, value] }) => (value ? [{ type: oidOf(type), value: textOf(value) }] : [])));
}

export const firstOf = (attributes: readonly NameAttribute[], type: string): string => attributes.find((one) => one.type === type)?.value ?? "";

const SHORT: Readonly<Record<string, string>> = Object.freeze({
  [OID.commonName]: "CN", [OID.ou]: "OU", [OID.organization]: "O", [OID.country]: "C", [OID.locality]: "L", [OID.province]: "ST",
  [OID.street_address]: "STREET", [OID.postal_code]: "POSTALCODE", [OID.serialNumber]: "SERIALNUMBER",
});

/** RFC 4514: the last relative name first. */
export function nameText(name: Asn1): string {
  const relative = name.children.map((set) => nameAttributes({ ...set, children: [set] }).map(({ type, value }) => `${SHORT[type] ?? type}=${escape(value)}`).join("+"));
  return relative.reverse().join(",");
}

const escape = (value: string) => value.replace(/[,+"\\<>;]/g, "\\$&").replace(/^[ #]/, "\\$&").replace(/ $/, "\\ ");

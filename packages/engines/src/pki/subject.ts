import { oid, printableString, sequence, setOf, utf8String } from "./der.js";
import { OID } from "./oids.js";

/** The lists of names that roles and CA requests have. */
export interface Organisation {
  readonly ou: readonly string[];
  readonly organization: readonly string[];
  readonly country: readonly string[];
  readonly locality: readonly string[];
  readonly province: readonly string[];
  readonly street_address: readonly string[];
  readonly postal_code: readonly string[];
}

export interface Subject extends Organisation {
  readonly commonName: string;
  /** Of the subject (X.520), not the certificate's. */
  readonly serialNumber: string;
  readonly userIds: readonly string[];
}

const TYPES = Object.freeze(Object.fromEntries(Object.entries(OID).map(([name, value]) => [name, oid(value)]))) as Readonly<Record<keyof typeof OID, Buffer>>;
/** In the order in which Vault has them. */
const LISTS = ["country", "organization", "ou", "locality", "province", "street_address", "postal_code"] as const satisfies readonly (keyof Organisation)[];
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

const attribute = (type: keyof typeof OID, value: string) => sequence(TYPES[type], PRINTABLE.test(value) ? printableString(value) : utf8String(value));

/** The relative names before the common name: they are the same in all certificates of a role. Values of one type share one relative name. */
export function organisationNames(organisation: Organisation): Buffer {
  return Buffer.concat(
    LISTS.flatMap((list) => {
      const values = [...new Set(organisation[list])];
      return values.length > 0 ? [setOf(...values.map((value) => attribute(list, value)))] : [];
    }),
  );
}

/** A Name (RFC 5280, 4.1.2.4), from the part that `organisationNames` gave. */
export function encodeName(organisation: Uint8Array, { commonName, serialNumber, userIds }: Pick<Subject, "commonName" | "serialNumber" | "userIds">): Buffer {
  const parts: Uint8Array[] = [organisation];
  if (commonName !== "") parts.push(setOf(attribute("commonName", commonName)));
  if (serialNumber !== "") parts.push(setOf(attribute("serialNumber", serialNumber)));
  for (const userId of userIds) parts.push(setOf(attribute("userId", userId)));
  return sequence(...parts);
}

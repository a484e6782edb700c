import type { Environment } from "@coffer/state-machine";
import type { Extension } from "./certificate.js";
import { signed } from "./certificate.js";
import { explicit, integer, sequence, time } from "./der.js";
import { alternativeNamesExtension, subjectKeyIdExtension } from "./extensions.js";
import { encodeNames } from "./general-names.js";
import type { AlternativeNames } from "./general-names.js";
import type { Maybe } from "./maybe.js";
import { OID } from "./oids.js";
import type { Signer } from "./signer.js";

/** All that a certificate says of itself; each part as DER where it is the same for many certificates. */
export interface CertificatePlan {
  readonly serial: Uint8Array;
  /** Names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  readonly names: AlternativeNames;
  /** Whole extensions by object identifier; an empty one is none. */
  readonly extensions: readonly (readonly [oid: string, der: Uint8Array])[];
  /** Of a request that is signed as it stands: they win over those of the same identifier. */
  readonly verbatim?: readonly Extension[];
}

const VERSION_3 = explicit(0, integer(2));
const EMPTY_NAME_LENGTH = 2;

/** A certificate, DER (RFC 5280, 4.1). */
export function buildCertificate(plan: CertificatePlan, signer: Signer): Maybe<Buffer> {
  const names = encodeNames(plan.names);
  const parts: (readonly [string, Uint8Array])[] = [...plan.extensions, [OID.subjectKeyIdentifier, subjectKeyIdExtension(plan.subjectKeyId)]];
  if (names) parts.push([OID.subjectAltName, alternativeNamesExtension(names, plan.subject.length <= EMPTY_NAME_LENGTH)]);
  const verbatim = plan.verbatim ?? [];
  const own = verbatim.length > 0 ? parts.filter(([oid]) => !verbatim.some((one) => one.oid === oid)) : parts;
  const content = sequence(
    VERSION_3,
    integer(plan.serial),
    signer.algorithm,
    plan.issuer,
    sequence(time(plan.notBeforeMs), time(plan.notAfterMs)),
    plan.subject,
    plan.spki,
    explicit(3, sequence(...own.map(([, der]) => der), ...verbatim.map(({ der }) => der))),
  );
  return signed(content, signer);
}

const SERIAL_BYTES = 20;

/** 158 random bits, always 20 bytes and positive (RFC 5280, 4.1.2.2). */
export function newSerial(env: Environment): Buffer {
  const bytes = Buffer.from(env.randomBytes(SERIAL_BYTES));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}

import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

export interface Issued {
  /** PEM, as is the key. */
  readonly certificate: string;
  readonly key: string;
  readonly der: Uint8Array;
  readonly serial: string;
  /** As if it were an authority, which it need not be. */
  asAuthority(): TestAuthority;
}

export interface CertificateOptions {
  /** As `CN=name,OU=unit`. */
  readonly subject: string;
  readonly names?: readonly x509.JsonGeneralName[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly usages?: readonly string[];
  readonly extensions?: readonly x509.Extension[];
  /** Of an authority. */
  readonly pathLength?: number;
}

/** A certificate authority for tests: P-256, valid from an hour ago for a day, unless it is asked for something else. */
export interface TestAuthority extends Issued {
  issue(options: CertificateOptions): Promise<Issued>;
  /** An authority below this one. */
  intermediate(subject: string, options?: Partial<CertificateOptions>): Promise<TestAuthority>;
  /** A revocation list of these serial numbers, PEM. */
  revocationList(serials: readonly string[], nextUpdate?: Date): Promise<string>;
}

interface Pair {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

const generate = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

function newSerial(): string {
  const bytes = randomBytes(8);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function issued(pair: Pair): Promise<Issued> {
  const { certificate, keys } = pair;
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  const own: Issued = { certificate: certificate.toString("pem"), key, der: new Uint8Array(certificate.rawData), serial: certificate.serialNumber, asAuthority: () => authorityOf(pair, own) };
  return own;
}

async function create(subject: string, parent: Pair | undefined, keys: webcrypto.CryptoKeyPair, extensions: readonly x509.Extension[], options: Partial<CertificateOptions> = {}): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: parent ? parent.certificate.subjectName : subject,
    notBefore: options.notBefore ?? new Date(Date.now() - HOUR_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 24 * HOUR_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (parent?.keys ?? keys).privateKey,
    extensions: [...extensions],
  });
}

function authorityOf(pair: Pair, own: Issued): TestAuthority {
  return {
    ...own,
    async issue(options) {
      const keys = await generate();
      const usages = options.usages ?? [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
      const names = options.names && options.names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...options.names])] : [];
      const extensions = [new x509.BasicConstraintsExtension(false), new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true), new x509.ExtendedKeyUsageExtension([...usages]), ...names, await x509.AuthorityKeyIdentifierExtension.create(pair.keys.publicKey), ...(options.extensions ?? [])];
      return issued({ certificate: await create(options.subject, pair, keys, extensions, options), keys });
    },
    intermediate: (subject, options) => newAuthority(subject, options, pair),
    async revocationList(serials, nextUpdate = new Date(Date.now() + 24 * HOUR_MS)) {
      const list = await x509.X509CrlGenerator.create({
        issuer: pair.certificate.subjectName,
        thisUpdate: new Date(Date.now() - HOUR_MS),
        nextUpdate,
        signingAlgorithm: ALGORITHM,
        signingKey: pair.keys.privateKey,
        entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date(Date.now() - HOUR_MS) })),
      });
      return list.toString("pem");
    },
  };
}

async function newAuthority(subject: string, options: Partial<CertificateOptions> = {}, parent?: Pair): Promise<TestAuthority> {
  const keys = await generate();
  const extensions = [new x509.BasicConstraintsExtension(true, options.pathLength, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)];
  const pair: Pair = { certificate: await create(subject, parent, keys, extensions, options), keys };
  return authorityOf(pair, await issued(pair));
}

export function createAuthority(subject = "CN=Test Root", options?: Partial<CertificateOptions>): Promise<TestAuthority> {
  return newAuthority(subject, options);
}

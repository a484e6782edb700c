import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ListenerTls } from "../configuration/types.js";
import { readSecureContext } from "../http/tls-options.js";
import { DiagnosedError } from "./finding.js";
import type { Check } from "./finding.js";

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** Of a certificate's lifetime: what is left when it is time for another one. */
const NEAR_ITS_END = 0.15;
const DAY_MS = 86_400_000;

function readCertificates(path: string): readonly X509Certificate[] {
  const blocks = readFileSync(path, "utf8").match(PEM) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no certificate.`);
  return blocks.map((block, at) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new Error(`Certificate ${at + 1} of ${path} cannot be read: ${(error as Error).message}.`);
    }
  });
}

const nameOf = ({ subject, serialNumber }: X509Certificate) => `${subject.replaceAll("\n", ", ") || "without a subject"} (serial ${serialNumber})`;

/** Throws for one that is not valid now. */
function checkDates(certificate: X509Certificate, warn: Check["warn"]): void {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const now = Date.now();
  if (now < from) throw new Error(`Certificate ${nameOf(certificate)} is not valid before ${new Date(from).toISOString()}.`);
  if (now > to) throw new DiagnosedError(`Certificate ${nameOf(certificate)} expired at ${new Date(to).toISOString()}.`, "Replace it; a running server reads its certificates again at SIGHUP.");
  if (to - now < (to - from) * NEAR_ITS_END) warn(`Certificate ${nameOf(certificate)} expires in ${Math.floor((to - now) / DAY_MS)} days.`, "Replace it in time; a running server reads its certificates again at SIGHUP.");
}

/** Each has to be signed by the next. A root at the end may be missing: clients have it. */
function checkChain(chain: readonly X509Certificate[], path: string): void {
  chain.slice(1).forEach((issuer, at) => {
    const certificate = chain[at]!;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      throw new DiagnosedError(`In ${path}, ${nameOf(certificate)} was not issued by the one after it, ${nameOf(issuer)}.`, "Put the server's own certificate first, and after each the one that issued it.");
    }
  });
}

function checkKey(certificate: X509Certificate, { keyFile, certificateFile }: ListenerTls): void {
  let key;
  try {
    key = createPrivateKey(readFileSync(keyFile));
  } catch (error) {
    throw new DiagnosedError(`The key in ${keyFile} cannot be read: ${(error as Error).message}.`, "It has to be PEM, and not encrypted.");
  }
  if (!certificate.checkPrivateKey(key)) throw new DiagnosedError(`The key in ${keyFile} is not that of the first certificate in ${certificateFile}.`, "Put the server's own certificate first.");
}

/** `apiAddress`: a URL that clients use; the certificate should be good for its host. */
export function checkServerCertificate(tls: ListenerTls, apiAddress: string, { warn }: Check): string {
  const chain = readCertificates(tls.certificateFile);
  const [leaf] = chain as [X509Certificate];
  checkKey(leaf, tls);
  for (const certificate of chain) checkDates(certificate, warn);
  checkChain(chain, tls.certificateFile);
  if (leaf.ca && chain.length > 1) warn("The first certificate is an authority's, not a server's.", "Put the server's own certificate first.");
  const host = new URL(apiAddress).hostname.replace(/^\[|\]$/g, "");
  const isGoodFor = isIP(host) ? leaf.checkIP(host) !== undefined : leaf.checkHost(host) !== undefined;
  if (!isGoodFor) warn(`The certificate is not good for ${host}, the host of api_addr.`, "Clients that are sent there, and nodes that join there, will not trust it.");
  // What Node's TLS says of key, versions and cipher suites together.
  readSecureContext(tls);
  return `Valid until ${new Date(leaf.validTo).toISOString()}.`;
}

export function checkClientAuthorities(tls: ListenerTls, { warn, skip }: Check): string | void {
  if (!tls.requireClientCertificate) return skip("Client certificates are not demanded.");
  if (tls.clientCaFile === undefined) return warn("Client certificates of any public authority are taken.", "Name the authority of your clients: tls_client_ca_file.");
  for (const certificate of readCertificates(tls.clientCaFile)) {
    checkDates(certificate, warn);
    if (!certificate.ca) warn(`${nameOf(certificate)} is no authority's certificate: no client's certificate can be of it.`);
  }
}

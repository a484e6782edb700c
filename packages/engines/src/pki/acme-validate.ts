import { createHash } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { get } from "node:http";
import { connect } from "node:tls";
import { parseCertificate } from "./certificate.js";
import { ipBytes, readNames } from "./general-names.js";
import { OID } from "./oids.js";
import { readAsn1 } from "./asn1.js";
import type { ChallengeType, Identifier } from "./acme-storage.js";

/** Where challenges are looked for: 80 and 443 but in tests. */
export interface ValidationPorts {
  readonly http: number;
  readonly tls: number;
}

export interface Validation {
  readonly type: ChallengeType;
  readonly identifier: Identifier;
  readonly token: string;
  /** token.thumbprint (RFC 8555, 8.1). */
  readonly keyAuthorization: string;
  readonly dnsResolver: string;
  readonly ports: ValidationPorts;
}

const TIMEOUT_MS = 3000;
const MAX_BYTES = 4096;
const MAX_REDIRECTS = 10;
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";

/** Empty where the challenge is met, else why it is not. */
export async function validate(validation: Validation): Promise<string> {
  try {
    return await METHODS[validation.type](validation);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const METHODS: Readonly<Record<ChallengeType, (validation: Validation) => Promise<string>>> = {
  async "http-01"({ identifier, token, keyAuthorization, ports }) {
    const host = identifier.value.includes(":") ? `[${identifier.value}]` : identifier.value;
    const body = await fetchText(`http://${host}:${ports.http}/.well-known/acme-challenge/${token}`, MAX_REDIRECTS);
    return body.trim() === keyAuthorization ? "" : "the answer is not the key authorization";
  },
  async "dns-01"({ identifier, keyAuthorization, dnsResolver }) {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
    if (dnsResolver !== "") resolver.setServers([dnsResolver]);
    const records = await resolver.resolveTxt(`_acme-challenge.${identifier.value}`);
    const expected = createHash("sha256").update(keyAuthorization).digest("base64url");
    return records.some((record) => record.join("") === expected) ? "" : "no TXT record holds the digest of the key authorization";
  },
  async "tls-alpn-01"({ identifier, keyAuthorization, ports }) {
    const certificate = parseCertificate(await serverCertificate(identifier, ports.tls));
    const names = certificate.extensions.find(({ oid }) => oid === OID.subjectAltName);
    const proof = certificate.extensions.find(({ oid }) => oid === ACME_IDENTIFIER);
    const { dns, ips } = names ? readNames(names.value) : { dns: [], ips: [] };
    const named = identifier.type === "dns" ? dns.length === 1 && dns[0]!.toLowerCase() === identifier.value.toLowerCase() : ips.length === 1 && ipBytes(ips[0]!)!.equals(ipBytes(identifier.value)!);
    if (!named) return "the certificate is not for the identifier alone";
    const digest = createHash("sha256").update(keyAuthorization).digest();
    return proof?.critical && readAsn1(proof.value, "the proof").content.equals(digest) ? "" : "the certificate does not hold the digest of the key authorization";
  },
};

function fetchText(url: string, redirectsLeft: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: TIMEOUT_MS, headers: { "user-agent": "coffer-acme" } }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location) {
        response.destroy();
        const next = new URL(headers.location, url);
        if (redirectsLeft === 0 || next.protocol !== "http:") return reject(new Error("too many redirects, or one that is not to http"));
        return fetchText(next.href, redirectsLeft - 1).then(resolve, reject);
      }
      if (statusCode !== 200) {
        response.destroy();
        return reject(new Error(`the server answered ${statusCode}`));
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) request.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("the server did not answer in time")));
    request.on("error", reject);
  });
}

function serverCertificate({ type, value }: Identifier, port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Whom the certificate is signed by says nothing here: it is the proof itself (RFC 8737).
    const socket = connect({ host: value, port, ALPNProtocols: ["acme-tls/1"], rejectUnauthorized: false, timeout: TIMEOUT_MS, ...(type === "dns" && { servername: value }) }, () => {
      const { raw } = socket.getPeerCertificate();
      const agreed = socket.alpnProtocol;
      socket.destroy();
      if (agreed !== "acme-tls/1" || !raw) reject(new Error("the server does not speak acme-tls/1"));
      else resolve(raw);
    });
    socket.on("timeout", () => socket.destroy(new Error("the server did not answer in time")));
    socket.on("error", reject);
  });
}

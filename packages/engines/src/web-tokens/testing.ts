import "reflect-metadata";
import { createServer as createPlain } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import { webcrypto } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import type { JWK } from "jose";
import * as x509 from "@peculiar/x509";

/** What tests of auth methods need of the world: keys that sign, and servers on loopback that are really asked. */

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JWK;
  /** SPKI. */
  readonly pem: string;
  readonly sign: (claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>) => Promise<string>;
}

export async function signingKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    alg,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" },
    pem: await exportSPKI(publicKey),
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg, kid, typ: "JWT", ...header }).sign(privateKey),
  };
}

export interface LoopbackServer {
  readonly url: string;
  /** PEM of the authority that its certificate comes from; empty without TLS. */
  readonly ca: string;
  /** Method and path of what was asked, in order. */
  readonly asked: readonly string[];
  close(): void;
}

export type Answerer = (request: IncomingMessage, body: string) => { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly json?: unknown; readonly text?: string };

async function listen(server: Server, scheme: "http" | "https", ca: string, asked: readonly string[]): Promise<LoopbackServer> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    ca,
    asked,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listener(answerer: Answerer, asked: string[]): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url}`);
      const { status = 200, headers = {}, json, text = JSON.stringify(json) } = answerer(request, Buffer.concat(parts).toString());
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
    });
  };
}

export async function plainServer(answerer: Answerer): Promise<LoopbackServer> {
  const asked: string[] = [];
  return listen(createPlain(listener(answerer, asked)), "http", "", asked);
}

/** With a certificate for 127.0.0.1, from an authority of its own. */
export async function tlsServer(answerer: Answerer): Promise<LoopbackServer> {
  const asked: string[] = [];
  const { key, cert, ca } = await loopbackCertificate();
  return listen(createTls({ key, cert }, listener(answerer, asked)), "https", ca, asked);
}

async function loopbackCertificate(): Promise<{ readonly key: string; readonly cert: string; readonly ca: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const [root, leaf] = [await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]), await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])];
  const dates = { notBefore: new Date("2020-01-01"), notAfter: new Date("2100-01-01") };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({ serialNumber: "01", name: "CN=test authority", ...dates, signingAlgorithm: algorithm, keys: root, extensions: [new x509.BasicConstraintsExtension(true, undefined, true)] });
  const made = await x509.X509CertificateGenerator.create({ serialNumber: "02", subject: "CN=loopback", issuer: authority.subject, ...dates, signingAlgorithm: algorithm, publicKey: leaf.publicKey, signingKey: root.privateKey, extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])] });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", leaf.privateKey);
  return { key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"), cert: made.toString("pem"), ca: authority.toString("pem") };
}

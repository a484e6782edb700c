import { definePath, field, raw } from "@coffer/state-machine";
import type { Mount, RawResponse, ReadStorage } from "@coffer/state-machine";
import type { Readable } from "node:stream";
import { authorityOf, issuerParts, revocationSigner } from "./authority.js";
import type { Authority } from "./authority.js";
import { getCrlConfig } from "./crl-storage.js";
import { secondsOf } from "./crl-rebuild.js";
import { buildOcspResponse, isAbout, OCSP_ERROR, ocspError, parseOcspRequest } from "./ocsp.js";
import type { OcspQuestion, OcspStatus } from "./ocsp.js";
import { keyIdentifier } from "./signer.js";
import { colonHex } from "./pem.js";
import { getCertificate, getIssuer, getRevocation, issuerIds } from "./storage.js";

const CONTENT_TYPE = "application/ocsp-response";
const MAX_REQUEST_BYTES = 2048;
const MAX_DISCARDED_BYTES = 1024 * 1024;
/** Signing is work that anybody may ask for. */
const MAX_QUESTIONS = 16;

const answer = (der: Uint8Array): RawResponse => raw(der, CONTENT_TYPE);

async function responderFor(storage: ReadStorage, question: OcspQuestion): Promise<Authority | undefined> {
  for (const id of await issuerIds(storage)) {
    const issuer = getIssuer(storage, id);
    const authority = issuer && isAbout(question, issuerParts(issuer).certificate) ? authorityOf(storage, issuer, "ocsp-signing") : undefined;
    if (authority) return authority;
  }
  return undefined;
}

/** Of a certificate that is not stored nobody here knows whether it was ever made. */
function statusOf(storage: ReadStorage, { serial }: OcspQuestion): OcspStatus {
  const text = colonHex(serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial);
  const revocation = getRevocation(storage, text);
  if (revocation) return { kind: "revoked", revokedMs: revocation.revokedMs };
  return getCertificate(storage, text) ? { kind: "good" } : { kind: "unknown" };
}

async function respond(bytes: Uint8Array | undefined, storage: ReadStorage, { env }: Mount): Promise<RawResponse> {
  const config = getCrlConfig(storage);
  if (config.ocsp_disable) return answer(ocspError(OCSP_ERROR.unauthorized));
  const request = bytes && bytes.length <= MAX_REQUEST_BYTES ? parseOcspRequest(bytes) : undefined;
  if (!request || request.questions.length > MAX_QUESTIONS) return answer(ocspError(OCSP_ERROR.malformedRequest));
  const authority = await responderFor(storage, request.questions[0]!);
  // One signature speaks for one issuer.
  if (!authority || !request.questions.every((question) => isAbout(question, authority.certificate))) return answer(ocspError(OCSP_ERROR.unauthorized));
  const now = env.now();
  const expiry = secondsOf(config.ocsp_expiry);
  return answer(
    await buildOcspResponse(
      {
        responderKeyId: keyIdentifier(authority.certificate.publicKeyBits),
        producedMs: now,
        nextUpdateMs: expiry > 0 ? now + expiry * 1000 : undefined,
        answers: request.questions.map((question) => ({ certId: question.certId, status: statusOf(storage, question) })),
        nonce: request.nonce,
        certificate: authority.certificate.der,
      },
      revocationSigner(authority),
    ),
  );
}

/** Undefined for what is no request, being too long. It is read all the same: who is still sending gets no answer from a closed connection. */
async function readAll(stream: Readable | undefined): Promise<Uint8Array | undefined> {
  if (!stream) return undefined;
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    length += (part as Buffer).length;
    if (length <= MAX_REQUEST_BYTES) parts.push(part as Buffer);
    else if (length > MAX_DISCARDED_BYTES) return undefined;
  }
  return length <= MAX_REQUEST_BYTES ? Buffer.concat(parts) : undefined;
}

const HELP = { synopsis: "Answers OCSP requests.", description: "Whether a certificate of an issuer of this mount was revoked (RFC 6960). Without a token." };

export const ocspPostPath = definePath({
  template: "ocsp",
  help: HELP,
  fields: {},
  operations: { update: { effect: "read", access: "none", rawBody: true, summary: "Answer an OCSP request.", handler: async (request, storage, mount) => respond(await readAll(request.stream), storage, mount) } },
});

export const ocspGetPath = definePath({
  template: "ocsp/{request...}",
  help: HELP,
  fields: { request: field.string({ description: "The request, DER in base64.", required: true }) },
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Answer an OCSP request.",
      handler: ({ input }, storage, mount) => respond(/^[A-Za-z0-9+/=%_-]+$/.test(input.request) ? Buffer.from(input.request, "base64") : undefined, storage, mount),
    },
  },
});

import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { invalid } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import { outgoing } from "../outgoing/request.js";
import { parseBundle } from "./certificates.js";
import { isWebAddress } from "./role.js";
import { getList, getRole, listNames, putList } from "./storage.js";
import type { RevocationList } from "./storage.js";

/** Of a list that does not say when it ends. */
const DEFAULT_LIFE_MS = 86_400_000;
/** Between two tries to fetch a list, and between two fetches of one whose end is past. */
const PAUSE_MS = 60_000;

interface Parsed {
  readonly list: RevocationList;
  readonly crl: x509.X509Crl;
}

/** PEM, or DER. Throws RequestError 400. */
export function parseList(source: string | Uint8Array): Parsed {
  try {
    const crl = new x509.X509Crl(typeof source === "string" ? source : new Uint8Array(source));
    return { crl, list: { issuer: crl.issuerName.toString(), serials: Object.fromEntries(crl.entries.map(({ serialNumber }) => [BigInt(`0x${serialNumber}`).toString(), {}])) } };
  } catch {
    throw invalid("failed to parse CRL: it is no certificate revocation list in PEM, or in DER and base64");
  }
}

/** The certificates of a role that has this subject. */
async function issuersOf(storage: ReadStorage, subject: string): Promise<x509.X509Certificate[]> {
  const roles = (await listNames(storage, "cert")).flatMap((name) => getRole(storage, name) ?? []);
  return roles.flatMap(({ settings }) => parseBundle(settings.certificate).map(({ parsed }) => parsed)).filter((one) => one.subjectName.toString() === subject);
}

/**
 * A list from its distribution point, which mostly is plain HTTP: where a role trusts the list's issuer, the issuer must have
 * signed it. Throws RequestError 400.
 */
export async function fetchList(url: string, storage: ReadStorage, nowMs: number): Promise<RevocationList> {
  if (!isWebAddress(url)) throw invalid(url === "" ? "empty CRL url" : "invalid CRL url: it is no URL of http or https");
  const { status, bytes } = await outgoing({ url }).catch((error: Error) => {
    throw invalid(`failed to fetch the CRL: ${error.message}`);
  });
  if (status !== 200) throw invalid(`failed to fetch the CRL: unexpected response code ${status}`);
  const { list, crl } = parseList(bytes.includes("-----BEGIN") ? bytes.toString("latin1") : bytes);
  const issuers = await issuersOf(storage, list.issuer);
  const isSigned = async (issuer: x509.X509Certificate) => crl.verify({ publicKey: issuer.publicKey }).catch(() => false);
  if (issuers.length > 0 && !(await Promise.all(issuers.map(isSigned))).includes(true)) throw invalid("the CRL is not signed by its issuer");
  const validUntilMs = crl.nextUpdate?.getTime() ?? nowMs + DEFAULT_LIFE_MS;
  return { ...list, source: { url, validUntilMs, dueMs: Math.max(validUntilMs, nowMs + PAUSE_MS) } };
}

/** Fetches a list whose end has come; where that fails the old one stays good. One a turn: each waits for somebody else's server. */
export async function refetchLists(storage: WriteStorage, nowMs: number): Promise<void> {
  for (const name of await listNames(storage, "crl")) {
    const list = getList(storage, name);
    if (!list?.source || list.source.dueMs > nowMs) continue;
    const { source } = list;
    putList(storage, name, await fetchList(source.url, storage, nowMs).catch(() => ({ ...list, source: { ...source, dueMs: nowMs + PAUSE_MS } })));
    return;
  }
}

import { timingSafeEqual } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { Environment, ReadStorage, Renewal } from "@coffer/state-machine";
import { issuerText, parseBundle, parseCertificate, serialText } from "./certificates.js";
import type { Certificate } from "./certificates.js";
import { buildChains, isIssuedBy, periodProblem, usageProblem } from "./chain.js";
import { ocspProblem } from "./ocsp.js";
import { meetsConstraints } from "./role.js";
import type { CertRole } from "./role.js";
import { getConfig, getList, getRole, listNames } from "./storage.js";
import type { RevocationList } from "./storage.js";

const NONE_SHOWN = "no client certificate found";
const NO_CERTIFICATE = "invalid certificate or no client certificate supplied";
const NO_MATCH = "no chain matching all constraints could be found for this login certificate";

export interface Verified {
  readonly client: Certificate;
  readonly role: CertRole;
}

interface Trust {
  readonly role: CertRole;
  readonly certificates: readonly Certificate[];
}

/** By the client of the TLS connection. */
export type Shown = Pick<Renewal, "clientCertificate" | "clientIntermediates">;

/**
 * The first role (or the one that is named) that trusts the certificate which the client of the TLS connection has shown,
 * and whose key it thereby has. Throws RequestError 400.
 */
export async function verifyClient(storage: ReadStorage, { clientCertificate, clientIntermediates = [] }: Shown, name: string, env: Environment): Promise<Verified> {
  const nowMs = env.now();
  const ocsp = { env, cacheSize: getConfig(storage).ocsp_cache_size };
  if (!clientCertificate) throw invalid(NONE_SHOWN);
  const client = parseCertificate(clientCertificate);
  if (!client) throw invalid(NO_CERTIFICATE);
  const trusts = await trustsOf(storage, name);
  const lists = await revocationLists(storage);
  const pinned = trusts.filter(({ certificates: [first] }) => first && !first.node.ca && isSame(first, client));
  const own = pinned.find(({ role }) => !isRevoked(client, lists) && meetsConstraints(client, role.settings));
  if (own) {
    const issuer = own.certificates.slice(1).find((one) => isIssuedBy(client, one));
    const problem = periodProblem(client, nowMs) ?? usageProblem(client) ?? (await ocspProblem(client, issuer, own.role.settings, ocsp));
    if (problem !== undefined) throw invalid(`failed to verify client's certificate: ${problem}`);
    return { client, role: own.role };
  }
  const roots = trusts.filter(({ certificates: [first] }) => first?.node.ca);
  const built = buildChains(client, clientIntermediates.flatMap((one) => parseCertificate(one) ?? []), roots.flatMap(({ certificates }) => certificates), nowMs);
  if ("problem" in built) throw invalid(`failed to verify client's certificate: ${built.problem}`);
  if (built.chains.length === 0) throw invalid(pinned.length > 0 ? NO_MATCH : NO_CERTIFICATE);
  let problem: string | undefined;
  for (const { role, certificates } of roots) {
    const chain = built.chains.find((one) => one.some((link) => certificates.includes(link)) && !one.some((link) => isRevoked(link, lists)));
    if (!chain || !meetsConstraints(client, role.settings)) continue;
    problem = await ocspProblem(client, chain[1], role.settings, ocsp);
    if (problem === undefined) return { client, role };
  }
  throw invalid(problem === undefined ? NO_MATCH : `failed to verify client's certificate: ${problem}`);
}

async function trustsOf(storage: ReadStorage, name: string): Promise<Trust[]> {
  const names = name === "" ? await listNames(storage, "cert") : [name];
  return names.flatMap((one) => {
    const role = getRole(storage, one);
    return role ? [{ role, certificates: parseBundle(role.settings.certificate) }] : [];
  });
}

async function revocationLists(storage: ReadStorage): Promise<RevocationList[]> {
  return (await listNames(storage, "crl")).map((name) => getList(storage, name)!);
}

/** By the list of its own issuer: serial numbers of others mean nothing. */
function isRevoked(certificate: Certificate, lists: readonly RevocationList[]): boolean {
  const serial = serialText(certificate);
  return lists.some(({ issuer, serials }) => Object.hasOwn(serials, serial) && issuer === issuerText(certificate));
}

function isSame(a: Certificate, b: Certificate): boolean {
  return a.node.raw.length === b.node.raw.length && timingSafeEqual(a.node.raw, b.node.raw);
}

import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { Certificate } from "./certificates.js";
import { nameProblem } from "./name-constraints.js";

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const ANY_USAGE = "2.5.29.37.0";
/** Critical extensions whose meaning is looked at, here or by OpenSSL: key ids, usages, names, policies, constraints. */
const UNDERSTOOD = new Set(["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.35", "2.5.29.37"]);
const MAX_LENGTH = 8;

/** The leaf first, a certificate that is trusted last. */
export type Chain = readonly Certificate[];

export type ChainResult = { readonly chains: readonly Chain[] } | { readonly problem: string };

/**
 * The ways from a client's certificate to one that is trusted, or why there is none (RFC 5280, section 6, without
 * policies). Signatures are OpenSSL's to check.
 * `sent` is what the client sent with its own, each the issuer of the one before (RFC 8446, 4.4.2): they lead to what is trusted,
 * and are never the end themselves.
 */
export function buildChains(leaf: Certificate, sent: readonly Certificate[], trusted: readonly Certificate[], nowMs: number): ChainResult {
  const candidates = beginnings(leaf, sent).flatMap((path) => pathsFrom(path, trusted));
  const problems = candidates.map((chain) => problemOf(chain, nowMs));
  const chains = candidates.filter((_, i) => problems[i] === undefined);
  const [problem] = problems;
  return chains.length === 0 && problem !== undefined ? { problem } : { chains };
}

/** The client's own, and that with more and more of what came with it. One way only: a client does not choose how much work it is. */
function beginnings(leaf: Certificate, sent: readonly Certificate[]): Chain[] {
  const paths: Chain[] = [[leaf]];
  for (const issuer of sent.slice(0, MAX_LENGTH)) {
    const path = paths.at(-1)!;
    if (!isIssuedBy(path.at(-1)!, issuer)) break;
    paths.push([...path, issuer]);
  }
  return paths;
}

function pathsFrom(path: Chain, trusted: readonly Certificate[]): Chain[] {
  const last = path.at(-1)!;
  if (path.length > MAX_LENGTH) return [];
  return trusted.filter((issuer) => !path.includes(issuer) && isIssuedBy(last, issuer)).flatMap((issuer) => [[...path, issuer], ...pathsFrom([...path, issuer], trusted)]);
}

/** By name, key ids and key usage, and by signature. */
export function isIssuedBy({ node }: Certificate, issuer: Certificate): boolean {
  return issuer.node.ca && !node.raw.equals(issuer.node.raw) && node.checkIssued(issuer.node) && node.verify(issuer.node.publicKey);
}

function problemOf(chain: Chain, nowMs: number): string | undefined {
  for (const [i, certificate] of chain.entries()) {
    const problem = periodProblem(certificate, nowMs) ?? usageProblem(certificate) ?? extensionProblem(certificate);
    if (problem !== undefined) return problem;
    const limit = certificate.parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength;
    if (i > 0 && limit !== undefined && i - 1 > limit) return "too many intermediates for path length constraint";
    const strange = i > 0 ? nameProblem(certificate, chain.slice(0, i)) : undefined;
    if (strange !== undefined) return strange;
  }
  return undefined;
}

export function periodProblem({ parsed }: Certificate, nowMs: number): string | undefined {
  return nowMs < parsed.notBefore.getTime() || nowMs > parsed.notAfter.getTime() ? "certificate has expired or is not yet valid" : undefined;
}

/** A certificate that says what it is for has to be for clients; one that says nothing is for anything. */
export function usageProblem({ parsed }: Certificate): string | undefined {
  const usages = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages;
  return usages === undefined || usages.some((usage) => usage === CLIENT_AUTH || usage === ANY_USAGE) ? undefined : "certificate specifies an incompatible key usage";
}

function extensionProblem({ parsed }: Certificate): string | undefined {
  return parsed.extensions.some(({ critical, type }) => critical && !UNDERSTOOD.has(type)) ? "unhandled critical extension" : undefined;
}

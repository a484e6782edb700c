import { parseDuration } from "@coffer/hcl";
import type { Mount, WriteStorage } from "@coffer/state-machine";
import { authorityOf, issuerParts, revocationSigner } from "./authority.js";
import type { Authority } from "./authority.js";
import { buildCrl } from "./crl.js";
import type { RevokedEntry } from "./crl.js";
import { deleteCrl, getCrlConfig, getCrlInfo, putCrl, putCrlInfo } from "./crl-storage.js";
import { forgetUnlisted, getIssuer, getIssuersConfig, getRevocation, issuerIds, serialOf } from "./storage.js";
import type { Issuer, Revocation } from "./storage.js";

const MS = 1000;

/** Seconds of a duration that was checked when it was written. */
export const secondsOf = (duration: string): number => Math.trunc(parseDuration(duration) ?? 0);

/** Every issuer; the read of the guard makes a change of their list a conflict. */
export async function allIssuers(storage: WriteStorage): Promise<Issuer[]> {
  getIssuersConfig(storage);
  return (await issuerIds(storage)).flatMap((id) => getIssuer(storage, id) ?? []);
}

const entryOf = ({ serial, revokedMs }: Revocation): RevokedEntry => ({ serial: Buffer.from(serial.replaceAll(":", ""), "hex"), revokedMs });

/** The issuers whose certificates have one name and one key (cross-signed ones): a CRL of either speaks for both. */
function sameAuthority(issuer: Issuer, issuers: readonly Issuer[]): Set<string> {
  const { certificate } = issuerParts(issuer);
  return new Set(issuers.filter((other) => issuerParts(other).certificate.spki.equals(certificate.spki) && issuerParts(other).certificate.subject.der.equals(certificate.subject.der)).map(({ id }) => id));
}

function* signing(storage: WriteStorage, issuers: readonly Issuer[]): Generator<{ readonly authority: Authority; readonly ids: Set<string> }> {
  for (const issuer of issuers) {
    const authority = authorityOf(storage, issuer, "crl-signing");
    if (authority) yield { authority, ids: sameAuthority(issuer, issuers) };
  }
}

/** The revocations under a prefix; lists meet names only, each entry is one read. */
async function revocations(storage: WriteStorage, prefix: "revoked/" | "unlisted/"): Promise<Revocation[]> {
  return (await storage.list(prefix)).flatMap((name) => getRevocation(storage, serialOf(name)) ?? []);
}

/** Builds every issuer's complete CRL; what was waiting for it is listed now. An issuer without a key keeps what it has. */
export async function rebuildCrls(storage: WriteStorage, mount: Mount): Promise<void> {
  const config = getCrlConfig(storage);
  const waiting = await storage.list("unlisted/");
  const all = config.disable ? [] : await revocations(storage, "revoked/");
  const now = mount.env.now();
  for (const { authority, ids } of signing(storage, await allIssuers(storage))) {
    const { id } = authority.issuer;
    const number = (getCrlInfo(storage, id)?.lastNumber ?? 0) + 1;
    const nextUpdateMs = now + secondsOf(config.expiry) * MS;
    const entries = all.filter(({ issuer_id }) => ids.has(issuer_id)).map(entryOf);
    const { certificate, authorityKeyId } = authority;
    putCrl(storage, id, "complete", await buildCrl({ issuer: certificate.subject.der, authorityKeyId, thisUpdateMs: now, nextUpdateMs, number, entries }, revocationSigner(authority)));
    putCrlInfo(storage, id, { number, nextUpdateMs, lastNumber: number, deltaBuiltMs: now });
    deleteCrl(storage, id, "delta");
  }
  for (const name of waiting) forgetUnlisted(storage, serialOf(name));
  if (config.enable_delta) await rebuildDeltaCrls(storage, mount);
}

/** Builds what amends each complete CRL: the revocations since it. */
export async function rebuildDeltaCrls(storage: WriteStorage, { env }: Mount): Promise<void> {
  const config = getCrlConfig(storage);
  if (!config.enable_delta || config.disable) return;
  const since = await revocations(storage, "unlisted/");
  const now = env.now();
  for (const { authority, ids } of signing(storage, await allIssuers(storage))) {
    const { id } = authority.issuer;
    const info = getCrlInfo(storage, id);
    if (!info) continue;
    const number = info.lastNumber + 1;
    const entries = since.filter(({ issuer_id }) => ids.has(issuer_id)).map(entryOf);
    const { certificate, authorityKeyId } = authority;
    const plan = { issuer: certificate.subject.der, authorityKeyId, thisUpdateMs: now, nextUpdateMs: info.nextUpdateMs, number, baseNumber: info.number, entries };
    putCrl(storage, id, "delta", await buildCrl(plan, revocationSigner(authority)));
    putCrlInfo(storage, id, { ...info, lastNumber: number, deltaBuiltMs: now });
  }
}

/** What has come due on the active node: complete CRLs that end soon, deltas that are behind. */
export async function rebuildDueCrls(storage: WriteStorage, mount: Mount): Promise<void> {
  const config = getCrlConfig(storage);
  if (!config.auto_rebuild) return;
  const now = mount.env.now();
  const grace = secondsOf(config.auto_rebuild_grace_period) * MS;
  const ids = await issuerIds(storage);
  const infos = ids.flatMap((id) => {
    const issuer = getIssuer(storage, id);
    return issuer && authorityOf(storage, issuer, "crl-signing") ? [getCrlInfo(storage, id)] : [];
  });
  if (infos.some((info) => !info || info.nextUpdateMs - grace <= now)) return rebuildCrls(storage, mount);
  if (!config.enable_delta || config.disable) return;
  const interval = secondsOf(config.delta_rebuild_interval) * MS;
  if (infos.some((info) => info!.deltaBuiltMs + interval <= now) && (await storage.list("unlisted/", { limit: 1 })).length > 0) await rebuildDeltaCrls(storage, mount);
}

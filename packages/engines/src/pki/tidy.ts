import type { Mount, WriteStorage } from "@coffer/state-machine";
import { issuerParts } from "./authority.js";
import { isSignedBy, parseCertificate } from "./certificate.js";
import { allIssuers, rebuildCrls } from "./crl-rebuild.js";
import { rebuildChains } from "./issuer-store.js";
import { deleteMetadata, endedMetadata } from "./metadata.js";
import { deleteCertificate, deleteIssuer, deleteRevocation, endedCertificates, getCertificate, getIssuersConfig, getRevocation, putIssuersConfig, putRevocation, serialOf } from "./storage.js";
import { tidyAccounts, tidyEabs, tidyOrders } from "./tidy-acme.js";
import { getAutoTidy, getTidyState, newTidy, nextStep, putTidyState, revokedBuffer } from "./tidy-storage.js";
import type { TidyState } from "./tidy-storage.js";

const SLICE = 128;
const MS = 1000;
/** A slice of a tidy that is under way; starts one that is due. True: more is left. */
export async function tidySlice(storage: WriteStorage, mount: Mount): Promise<boolean> {
  const now = mount.env.now();
  const current = getTidyState(storage);
  const auto = getAutoTidy(storage);
  if (current?.state === "Cancelling") putTidyState(storage, { ...current, state: "Cancelled", finishedMs: now });
  if (current?.state === "Running") {
    const after = await STEP[current.step](storage, mount, current, SLICE);
    putTidyState(storage, after);
    return after.state === "Running";
  }
  if (!auto.enabled || now < (current?.startedMs ?? 0) + auto.interval_duration * MS) return false;
  putTidyState(storage, newTidy(auto, now));
  return true;
}

const STEP: Readonly<Record<TidyState["step"], (storage: WriteStorage, mount: Mount, state: TidyState, slice: number) => Promise<TidyState>>> = {
  certificates: tidyCertificates,
  metadata: tidyMetadata,
  revocations: tidyRevocations,
  associations: tidyAssociations,
  issuers: tidyIssuers,
  orders: tidyOrders,
  accounts: tidyAccounts,
  eabs: tidyEabs,
  done: finish,
};

/** Certificates that ended long enough ago: the index has them first, so that nothing else is read. That one was revoked is kept apart. */
async function tidyCertificates(storage: WriteStorage, { env }: Mount, state: TidyState): Promise<TidyState> {
  if (!state.work.tidy_cert_store) return nextStep(state);
  const ended = await endedCertificates(storage, env.now() - state.work.safety_buffer * MS, SLICE);
  for (const { serial, expiresMs } of ended) deleteCertificate(storage, serial, expiresMs);
  const after = { ...state, certificatesDeleted: state.certificatesDeleted + ended.length };
  return ended.length < SLICE ? nextStep(after) : after;
}

/** Of certificates that ended as long ago. */
async function tidyMetadata(storage: WriteStorage, { env }: Mount, state: TidyState): Promise<TidyState> {
  if (!state.work.tidy_cert_metadata) return nextStep(state);
  const ended = await endedMetadata(storage, env.now() - state.work.safety_buffer * MS, SLICE);
  for (const one of ended) deleteMetadata(storage, one);
  const after = { ...state, metadataDeleted: state.metadataDeleted + ended.length };
  return ended.length < SLICE ? nextStep(after) : after;
}

async function tidyRevocations(storage: WriteStorage, { env }: Mount, state: TidyState): Promise<TidyState> {
  if (!state.work.tidy_revoked_certs) return nextStep(state);
  const names = await storage.list("revoked/", { after: state.after, limit: SLICE });
  const before = env.now() - revokedBuffer(state.work) * MS;
  let deleted = 0;
  for (const name of names) {
    const revocation = getRevocation(storage, serialOf(name));
    if (!revocation || revocation.expiresMs >= before) continue;
    deleteRevocation(storage, revocation.serial);
    deleteCertificate(storage, revocation.serial, revocation.expiresMs);
    deleted++;
  }
  const after = { ...state, revocationsDeleted: state.revocationsDeleted + deleted, crlStale: state.crlStale || deleted > 0, after: names[names.length - 1] ?? "" };
  return names.length < SLICE ? nextStep(after) : after;
}

/** Revocations whose issuer is gone get the one that signed the certificate, where it is here again. */
async function tidyAssociations(storage: WriteStorage, _mount: Mount, state: TidyState): Promise<TidyState> {
  if (!state.work.tidy_revoked_cert_issuer_associations) return nextStep(state);
  const names = await storage.list("revoked/", { after: state.after, limit: SLICE });
  const issuers = await allIssuers(storage);
  let fixed = 0;
  let missing = 0;
  for (const name of names) {
    const revocation = getRevocation(storage, serialOf(name));
    if (!revocation || issuers.some(({ id }) => id === revocation.issuer_id)) continue;
    const der = getCertificate(storage, revocation.serial);
    const signer = der && issuers.find((issuer) => isSignedBy(parseCertificate(der), issuerParts(issuer).certificate));
    if (signer) {
      putRevocation(storage, { ...revocation, issuer_id: signer.id });
      fixed++;
    } else missing++;
  }
  const after = { ...state, missingIssuer: state.missingIssuer + missing, crlStale: state.crlStale || fixed > 0, after: names[names.length - 1] ?? "" };
  return names.length < SLICE ? nextStep(after) : after;
}

/** Issuers that ended long enough ago, but for the default one. Keys stay. */
async function tidyIssuers(storage: WriteStorage, { env }: Mount, state: TidyState): Promise<TidyState> {
  if (!state.work.tidy_expired_issuers) return nextStep(state);
  const config = getIssuersConfig(storage);
  const before = env.now() - state.work.issuer_safety_buffer * MS;
  const ended = (await allIssuers(storage)).filter((issuer) => issuer.id !== config.default && issuerParts(issuer).certificate.notAfter < before);
  for (const issuer of ended) deleteIssuer(storage, issuer);
  if (ended.length > 0) {
    putIssuersConfig(storage, { ...config, revision: config.revision + 1 });
    await rebuildChains(storage);
  }
  return nextStep({ ...state, crlStale: state.crlStale || ended.length > 0 });
}

async function finish(storage: WriteStorage, mount: Mount, state: TidyState): Promise<TidyState> {
  if (state.crlStale) await rebuildCrls(storage, mount);
  return { ...state, state: "Finished", finishedMs: mount.env.now() };
}

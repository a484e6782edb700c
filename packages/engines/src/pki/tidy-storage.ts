import { jsonCodec } from "@coffer/state-machine";
import type { Codec, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** What a tidy does. Durations in seconds. */
export interface TidyWork {
  readonly tidy_cert_store: boolean;
  readonly tidy_revoked_certs: boolean;
  readonly tidy_revoked_cert_issuer_associations: boolean;
  readonly tidy_expired_issuers: boolean;
  readonly tidy_acme: boolean;
  /** Those up to `tidy_cmpv2_nonce_store` find nothing to do here; they are kept because scripts set them. */
  readonly tidy_invalid_certs: boolean;
  readonly tidy_move_legacy_ca_bundle: boolean;
  readonly tidy_revocation_queue: boolean;
  readonly tidy_cross_cluster_revoked_certs: boolean;
  readonly tidy_cmpv2_nonce_store: boolean;
  readonly tidy_cert_metadata: boolean;
  readonly safety_buffer: number;
  /** 0: as safety_buffer. */
  readonly revoked_safety_buffer: number;
  readonly issuer_safety_buffer: number;
  readonly acme_account_safety_buffer: number;
  readonly revocation_queue_safety_buffer: number;
  readonly pause_duration: string;
  readonly page_size: number;
}

export interface AutoTidy extends TidyWork {
  readonly enabled: boolean;
  readonly interval_duration: number;
  readonly maintain_stored_certificate_counts: boolean;
  readonly publish_stored_certificate_count_metrics: boolean;
}

/** The work of each step, in their order. */
export const STEPS = ["certificates", "metadata", "revocations", "associations", "issuers", "orders", "accounts", "eabs", "done"] as const;

/** Where a tidy is: what is left of its work is done in slices, and outlives a change of the active node. */
export interface TidyState {
  readonly state: "Running" | "Finished" | "Cancelling" | "Cancelled";
  readonly work: TidyWork;
  readonly step: (typeof STEPS)[number];
  /** The name in the list that the step is at. */
  readonly after: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly certificatesDeleted: number;
  readonly revocationsDeleted: number;
  readonly metadataDeleted: number;
  readonly missingIssuer: number;
  readonly ordersDeleted: number;
  readonly accountsSeen: number;
  readonly accountsRevoked: number;
  readonly accountsDeleted: number;
  readonly crlStale: boolean;
}

const stateJson = jsonCodec<TidyState>();
const autoJson = jsonCodec<AutoTidy>();

export const NO_WORK: TidyWork = Object.freeze({
  tidy_cert_store: false,
  tidy_revoked_certs: false,
  tidy_revoked_cert_issuer_associations: false,
  tidy_expired_issuers: false,
  tidy_acme: false,
  tidy_invalid_certs: false,
  tidy_move_legacy_ca_bundle: false,
  tidy_revocation_queue: false,
  tidy_cross_cluster_revoked_certs: false,
  tidy_cmpv2_nonce_store: false,
  tidy_cert_metadata: false,
  safety_buffer: 259_200,
  revoked_safety_buffer: 0,
  issuer_safety_buffer: 31_536_000,
  acme_account_safety_buffer: 2_592_000,
  revocation_queue_safety_buffer: 172_800,
  pause_duration: "0s",
  page_size: 1000,
});

/** What was stored before there were as many settings and counts has the rest of them too. */
const NO_COUNTS = { metadataDeleted: 0, ordersDeleted: 0, accountsSeen: 0, accountsRevoked: 0, accountsDeleted: 0 };
const stateCodec: Codec<TidyState> = {
  ...stateJson,
  decode(bytes) {
    const state = stateJson.decode(bytes);
    return { ...NO_COUNTS, ...state, work: { ...NO_WORK, ...state.work } };
  },
};
const autoCodec: Codec<AutoTidy> = { ...autoJson, decode: (bytes) => ({ ...NO_WORK, ...autoJson.decode(bytes) }) };

const NO_AUTO: AutoTidy = Object.freeze({ ...NO_WORK, enabled: false, interval_duration: 43_200, maintain_stored_certificate_counts: false, publish_stored_certificate_count_metrics: false });

export const getTidyState = (storage: ReadStorage): TidyState | undefined => storage.get("tidy", stateCodec);
export const putTidyState = (storage: WriteStorage, state: TidyState): void => storage.put("tidy", stateCodec, state);
export const getAutoTidy = (storage: ReadStorage): AutoTidy => storage.get("config/auto-tidy", autoCodec) ?? NO_AUTO;
export const putAutoTidy = (storage: WriteStorage, config: AutoTidy): void => storage.put("config/auto-tidy", autoCodec, config);

export const newTidy = (work: TidyWork, nowMs: number): TidyState => ({
  state: "Running",
  work,
  step: "certificates",
  after: "",
  startedMs: nowMs,
  finishedMs: 0,
  certificatesDeleted: 0,
  revocationsDeleted: 0,
  missingIssuer: 0,
  ...NO_COUNTS,
  crlStale: false,
});

export const nextStep = (state: TidyState): TidyState => ({ ...state, step: STEPS[STEPS.indexOf(state.step) + 1]!, after: "" });

/** Seconds for which a revoked certificate is kept after its end. */
export const revokedBuffer = ({ revoked_safety_buffer, safety_buffer }: TidyWork): number => revoked_safety_buffer || safety_buffer;

import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/** What a tidy does. Durations in seconds. */
export interface TidyWork {
  readonly tidy_cert_store: boolean;
  readonly tidy_revoked_certs: boolean;
  readonly tidy_revoked_cert_issuer_associations: boolean;
  readonly tidy_expired_issuers: boolean;
  readonly safety_buffer: number;
  readonly issuer_safety_buffer: number;
  readonly pause_duration: string;
}

export interface AutoTidy extends TidyWork {
  readonly enabled: boolean;
  readonly interval_duration: number;
  readonly maintain_stored_certificate_counts: boolean;
  readonly publish_stored_certificate_count_metrics: boolean;
}

/** Where a tidy is: what is left of its work is done in slices, and outlives a change of the active node. */
export interface TidyState {
  readonly state: "Running" | "Finished" | "Cancelling" | "Cancelled";
  readonly work: TidyWork;
  readonly step: "certificates" | "revocations" | "associations" | "issuers" | "done";
  /** The name in the list that the step is at. */
  readonly after: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly certificatesDeleted: number;
  readonly revocationsDeleted: number;
  readonly missingIssuer: number;
  readonly crlStale: boolean;
}

const stateCodec = jsonCodec<TidyState>();
const autoCodec = jsonCodec<AutoTidy>();

export const NO_WORK: TidyWork = Object.freeze({
  tidy_cert_store: false,
  tidy_revoked_certs: false,
  tidy_revoked_cert_issuer_associations: false,
  tidy_expired_issuers: false,
  safety_buffer: 259_200,
  issuer_safety_buffer: 31_536_000,
  pause_duration: "0s",
});

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
  crlStale: false,
});

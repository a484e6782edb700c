import { parseDuration } from "@coffer/hcl";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EnvelopeResponse, InputOf, Mount, ReadStorage } from "@coffer/state-machine";
import { getAutoTidy, getTidyState, newTidy, NO_WORK, putAutoTidy, putTidyState } from "./tidy-storage.js";
import type { AutoTidy, TidyState, TidyWork } from "./tidy-storage.js";

const WORK = {
  tidy_cert_store: field.bool({ description: "Whether certificates that have ended are forgotten." }),
  tidy_revoked_certs: field.bool({ description: "Whether revoked certificates that have ended are forgotten, and taken off the CRLs." }),
  tidy_revocation_list: field.bool({ description: "An older name of tidy_revoked_certs.", deprecated: true }),
  tidy_revoked_cert_issuer_associations: field.bool({ description: "Whether revoked certificates get their issuer back, where it had gone and is here again." }),
  tidy_expired_issuers: field.bool({ description: "Whether issuers that have ended are removed, but for the default one." }),
  safety_buffer: field.duration({ description: "How long after its end a certificate is kept." }),
  issuer_safety_buffer: field.duration({ description: "How long after its end an issuer is kept." }),
  pause_duration: field.string({ description: "Taken for the sake of scripts: tidy works in slices anyhow, and rests between them." }),
};

/** Throws RequestError 400. */
function workOf(input: InputOf<typeof WORK>, before: TidyWork): TidyWork {
  const { tidy_revocation_list, ...named } = input;
  const changes = Object.fromEntries(Object.keys(NO_WORK).flatMap((name) => (named[name as keyof typeof named] === undefined ? [] : [[name, named[name as keyof typeof named]]]))) as Partial<TidyWork>;
  const work = { ...before, ...changes, ...(tidy_revocation_list !== undefined && { tidy_revoked_certs: tidy_revocation_list || (changes.tidy_revoked_certs ?? false) }) };
  if (work.safety_buffer < 1) throw invalid("safety_buffer must be greater than zero");
  if (work.issuer_safety_buffer < 1) throw invalid("issuer_safety_buffer must be greater than zero");
  if (parseDuration(work.pause_duration) === undefined) throw invalid(`Error parsing pause_duration: time: invalid duration ${JSON.stringify(work.pause_duration)}`);
  return work;
}

const hasWork = (work: TidyWork) => work.tidy_cert_store || work.tidy_revoked_certs || work.tidy_revoked_cert_issuer_associations || work.tidy_expired_issuers;

export const tidyPath = definePath({
  template: "tidy",
  help: { synopsis: "Forgets what has ended.", description: "The work is done in the background, on the active node, in slices; tidy-status tells of it." },
  fields: WORK,
  operations: {
    update: {
      effect: "write",
      summary: "Start to tidy.",
      handler({ input }, storage, { env }) {
        const work = workOf(input, NO_WORK);
        if (!hasWork(work)) return { kind: "envelope", data: null, warnings: ["No targets to tidy; specify tidy_cert_store=true or tidy_revoked_certs=true or tidy_revoked_cert_issuer_associations=true or tidy_expired_issuers=true to start a tidy operation."] };
        if (isUnderWay(getTidyState(storage))) return { kind: "envelope", data: null, warnings: ["Tidy operation already in progress."] };
        putTidyState(storage, newTidy(work, env.now()));
        return { kind: "envelope", data: null, status: 202, warnings: ["Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs."] };
      },
    },
  },
});

const isUnderWay = (state: TidyState | undefined) => state?.state === "Running" || state?.state === "Cancelling";
const timeOf = (ms: number) => (ms > 0 ? new Date(ms).toISOString() : null);

/** As Vault shows it; what is not done here (ACME, a cross-cluster queue) is null. */
function showStatus(storage: ReadStorage, { entry }: Mount): EnvelopeResponse {
  const state = getTidyState(storage);
  const work = state?.work;
  return data({
    state: state?.state ?? "Inactive",
    error: null,
    message: state?.state === "Running" ? `Tidying: ${state.step}` : null,
    time_started: timeOf(state?.startedMs ?? 0),
    time_finished: timeOf(state?.finishedMs ?? 0),
    last_auto_tidy_finished: timeOf(state?.finishedMs ?? 0),
    cert_store_deleted_count: state ? state.certificatesDeleted : null,
    revoked_cert_deleted_count: state ? state.revocationsDeleted : null,
    missing_issuer_cert_count: state ? state.missingIssuer : null,
    current_cert_store_count: null,
    current_revoked_cert_count: null,
    internal_backend_uuid: entry.uuid,
    tidy_cert_store: work?.tidy_cert_store ?? null,
    tidy_revoked_certs: work?.tidy_revoked_certs ?? null,
    tidy_revoked_cert_issuer_associations: work?.tidy_revoked_cert_issuer_associations ?? null,
    tidy_expired_issuers: work?.tidy_expired_issuers ?? null,
    tidy_move_legacy_ca_bundle: null,
    tidy_acme: null,
    safety_buffer: work?.safety_buffer ?? null,
    issuer_safety_buffer: work?.issuer_safety_buffer ?? null,
    pause_duration: work?.pause_duration ?? null,
  });
}

export const tidyStatusPath = definePath({
  template: "tidy-status",
  help: { synopsis: "Tells of the tidy that is under way, or the last one.", description: "State is Inactive, Running, Finished, Cancelling or Cancelled." },
  fields: {},
  operations: { read: { effect: "read", summary: "Read where tidy is.", handler: (_request, storage, mount) => showStatus(storage, mount) } },
});

export const tidyCancelPath = definePath({
  template: "tidy-cancel",
  help: { synopsis: "Stops the tidy that is under way.", description: "What it has done stays done." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Stop tidying.",
      handler(_request, storage, mount) {
        const state = getTidyState(storage);
        if (state?.state !== "Running") return { kind: "envelope", data: null, warnings: ["Tidy operation cannot be cancelled as none is currently running."] };
        putTidyState(storage, { ...state, state: "Cancelling" });
        return showStatus(storage, mount);
      },
    },
  },
});

const showAuto = (config: AutoTidy) => data({ ...config, tidy_move_legacy_ca_bundle: false, tidy_acme: false });

export const autoTidyPath = definePath({
  template: "config/auto-tidy",
  help: { synopsis: "Reads and sets what is tidied by itself.", description: "A write leaves alone what it does not name." },
  fields: {
    ...WORK,
    enabled: field.bool({ description: "Whether there is any tidying by itself." }),
    interval_duration: field.duration({ description: "Time from one tidy's start to the next one's; 12h at first." }),
    maintain_stored_certificate_counts: field.bool({ description: "Kept and shown for the sake of scripts; nothing is counted." }),
    publish_stored_certificate_count_metrics: field.bool({ description: "Kept and shown for the sake of scripts; nothing is counted." }),
  },
  operations: {
    read: { effect: "read", summary: "Read what is tidied by itself.", handler: (_request, storage) => showAuto(getAutoTidy(storage)) },
    update: {
      effect: "write",
      summary: "Set what is tidied by itself.",
      handler({ input }, storage) {
        const before = getAutoTidy(storage);
        const config: AutoTidy = {
          ...before,
          ...workOf(input, before),
          enabled: input.enabled ?? before.enabled,
          interval_duration: input.interval_duration ?? before.interval_duration,
          maintain_stored_certificate_counts: input.maintain_stored_certificate_counts ?? before.maintain_stored_certificate_counts,
          publish_stored_certificate_count_metrics: input.publish_stored_certificate_count_metrics ?? before.publish_stored_certificate_count_metrics,
        };
        if (config.interval_duration < 1) throw invalid("given interval_duration must be at least one second");
        if (config.enabled && !hasWork(config)) throw invalid("Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run (tidy_cert_store / tidy_revoked_certs / tidy_revoked_cert_issuer_associations / tidy_expired_issuers).");
        putAutoTidy(storage, config);
        return showAuto(config);
      },
    },
  },
});

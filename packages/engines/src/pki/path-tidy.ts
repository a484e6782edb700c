import { parseDuration } from "@coffer/hcl";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EnvelopeResponse, InputOf, Mount, ReadStorage } from "@coffer/state-machine";
import { getAutoTidy, getTidyState, newTidy, NO_WORK, putAutoTidy, putTidyState, revokedBuffer } from "./tidy-storage.js";
import type { AutoTidy, TidyState, TidyWork } from "./tidy-storage.js";

const WORK = {
  tidy_cert_store: field.bool({ description: "Whether certificates that have ended are forgotten." }),
  tidy_revoked_certs: field.bool({ description: "Whether revoked certificates that have ended are forgotten, and taken off the CRLs." }),
  tidy_revocation_list: field.bool({ description: "An older name of tidy_revoked_certs.", deprecated: true }),
  tidy_revoked_cert_issuer_associations: field.bool({ description: "Whether revoked certificates get their issuer back, where it had gone and is here again." }),
  tidy_expired_issuers: field.bool({ description: "Whether issuers that have ended are removed, but for the default one." }),
  tidy_acme: field.bool({ description: "Whether ACME's orders that have ended are forgotten, accounts without orders revoked and later forgotten, and unused keys for account binding removed." }),
  tidy_invalid_certs: field.bool({ description: "Taken for the sake of scripts: what is stored here was read when it was stored." }),
  tidy_move_legacy_ca_bundle: field.bool({ description: "Taken for the sake of scripts: there is no bundle of an old version." }),
  tidy_revocation_queue: field.bool({ description: "Taken for the sake of scripts: no other cluster queues revocations here." }),
  tidy_cross_cluster_revoked_certs: field.bool({ description: "Taken for the sake of scripts: no other cluster revokes certificates here." }),
  tidy_cmpv2_nonce_store: field.bool({ description: "Taken for the sake of scripts: CMPv2 is not served." }),
  tidy_cert_metadata: field.bool({ description: "Whether metadata of certificates that have ended are forgotten." }),
  safety_buffer: field.duration({ description: "How long after its end a certificate is kept." }),
  revoked_safety_buffer: field.duration({ description: "How long after its end a revoked certificate is kept; safety_buffer where it is not set." }),
  issuer_safety_buffer: field.duration({ description: "How long after its end an issuer is kept." }),
  acme_account_safety_buffer: field.duration({ description: "How long an account of ACME is kept after it was made, after its last order and after it was revoked; and an unused key for account binding." }),
  revocation_queue_safety_buffer: field.duration({ description: "Kept and shown for the sake of scripts; there is no queue." }),
  pause_duration: field.string({ description: "Taken for the sake of scripts: tidy works in slices anyhow, and rests between them." }),
  page_size: field.int({ description: "Taken for the sake of scripts: slices have a size of their own." }),
};
const BUFFERS = ["safety_buffer", "revoked_safety_buffer", "issuer_safety_buffer", "acme_account_safety_buffer", "revocation_queue_safety_buffer"] as const satisfies readonly (keyof TidyWork)[];
const LEAST_PAGE = 5;

/** Throws RequestError 400. */
function workOf(input: InputOf<typeof WORK>, before: TidyWork): TidyWork {
  const { tidy_revocation_list, ...named } = input;
  const changes = Object.fromEntries(Object.keys(NO_WORK).flatMap((name) => (named[name as keyof typeof named] === undefined ? [] : [[name, named[name as keyof typeof named]]]))) as Partial<TidyWork>;
  const work = { ...before, ...changes, ...(tidy_revocation_list !== undefined && { tidy_revoked_certs: tidy_revocation_list || (changes.tidy_revoked_certs ?? false) }) };
  for (const name of BUFFERS) if (changes[name] !== undefined && changes[name] < 1) throw invalid(`${name} must be greater than zero`);
  if (work.page_size < LEAST_PAGE) throw invalid(`page_size must be at least ${LEAST_PAGE}`);
  if ((parseDuration(work.pause_duration) ?? -1) < 0) throw invalid(`Error parsing pause_duration: time: invalid duration ${JSON.stringify(work.pause_duration)}`);
  return work;
}

const TARGETS = ["tidy_cert_store", "tidy_revoked_certs", "tidy_invalid_certs", "tidy_revoked_cert_issuer_associations", "tidy_expired_issuers", "tidy_move_legacy_ca_bundle", "tidy_revocation_queue", "tidy_cross_cluster_revoked_certs", "tidy_cmpv2_nonce_store", "tidy_cert_metadata", "tidy_acme"] as const satisfies readonly (keyof TidyWork)[];
const hasWork = (work: TidyWork) => TARGETS.some((name) => work[name]);
const NO_TARGETS = `no tidy operations were set. Enable at least one tidy operation to be run (${TARGETS.join(" / ")}).`;

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
        if (!hasWork(work)) return { kind: "envelope", data: null, status: 202, warnings: [`Manual tidy requested but ${NO_TARGETS}`] };
        if (isUnderWay(getTidyState(storage))) return { kind: "envelope", data: null, warnings: ["Tidy operation already in progress."] };
        putTidyState(storage, newTidy(work, env.now()));
        return { kind: "envelope", data: null, status: 202, warnings: ["Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs."] };
      },
    },
  },
});

const isUnderWay = (state: TidyState | undefined) => state?.state === "Running" || state?.state === "Cancelling";
const timeOf = (ms: number) => (ms > 0 ? new Date(ms).toISOString() : null);

const FLAGS = [...TARGETS, "safety_buffer", "issuer_safety_buffer", "acme_account_safety_buffer", "revocation_queue_safety_buffer", "pause_duration", "page_size"] as const satisfies readonly (keyof TidyWork)[];

/** As Vault shows it. Nothing is counted of what is not there: other clusters, CMPv2. */
async function showStatus(storage: ReadStorage, { entry }: Mount): Promise<EnvelopeResponse> {
  const state = getTidyState(storage);
  const counted = (count: (state: TidyState) => number) => (state ? count(state) : null);
  return data({
    state: state?.state ?? "Inactive",
    error: null,
    message: state?.state === "Running" ? `Tidying: ${state.step}` : null,
    time_started: timeOf(state?.startedMs ?? 0),
    time_finished: timeOf(state?.finishedMs ?? 0),
    last_auto_tidy_finished: timeOf(state?.finishedMs ?? 0),
    cert_store_deleted_count: counted(({ certificatesDeleted }) => certificatesDeleted),
    revoked_cert_deleted_count: counted(({ revocationsDeleted }) => revocationsDeleted),
    missing_issuer_cert_count: counted(({ missingIssuer }) => missingIssuer),
    acme_orders_deleted_count: counted(({ ordersDeleted }) => ordersDeleted),
    acme_account_deleted_count: counted(({ accountsDeleted }) => accountsDeleted),
    acme_account_revoked_count: counted(({ accountsRevoked }) => accountsRevoked),
    total_acme_account_count: counted(({ accountsSeen }) => accountsSeen),
    revocation_queue_deleted_count: counted(() => 0),
    cross_revoked_cert_deleted_count: counted(() => 0),
    cmpv2_nonce_deleted_count: counted(() => 0),
    cert_metadata_deleted_count: counted(({ metadataDeleted }) => metadataDeleted),
    ...(await storedCounts(storage)),
    internal_backend_uuid: entry.uuid,
    ...Object.fromEntries(FLAGS.map((name) => [name, state?.work[name] ?? null])),
    revoked_safety_buffer: state ? revokedBuffer(state.work) : null,
  });
}

const PAGE = 1000;

async function countBelow(storage: ReadStorage, folder: string): Promise<number> {
  let count = 0;
  for (let after = ""; ; ) {
    const names = await storage.list(folder, { after, limit: PAGE });
    count += names.length;
    if (names.length < PAGE) return count;
    after = names[names.length - 1]!;
  }
}

/** Counted when it is asked for, so that no certificate has to change a number that others change too. */
async function storedCounts(storage: ReadStorage) {
  if (!getAutoTidy(storage).maintain_stored_certificate_counts) return { current_cert_store_count: null, current_revoked_cert_count: null };
  return { current_cert_store_count: await countBelow(storage, "cert/"), current_revoked_cert_count: await countBelow(storage, "revoked/") };
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

const showAuto = (config: AutoTidy) => data({ ...config, revoked_safety_buffer: revokedBuffer(config) });

export const autoTidyPath = definePath({
  template: "config/auto-tidy",
  help: { synopsis: "Reads and sets what is tidied by itself.", description: "A write leaves alone what it does not name." },
  fields: {
    ...WORK,
    enabled: field.bool({ description: "Whether there is any tidying by itself." }),
    interval_duration: field.duration({ description: "Time from one tidy's start to the next one's; 12h at first." }),
    maintain_stored_certificate_counts: field.bool({ description: "Whether tidy-status tells how many certificates are stored, and how many are revoked." }),
    publish_stored_certificate_count_metrics: field.bool({ description: "Kept and shown for the sake of scripts: there are no metrics of a mount." }),
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
        if (config.publish_stored_certificate_count_metrics && !config.maintain_stored_certificate_counts) {
          throw invalid("Can not publish a running storage metrics count to metrics without first maintaining that count.  Enable `maintain_stored_certificate_counts` to enable `publish_stored_certificate_count_metrics`.");
        }
        if (config.enabled && !hasWork(config)) throw invalid(`Auto-tidy enabled but ${NO_TARGETS.replace("were set", "were requested")}`);
        putAutoTidy(storage, config);
        return showAuto(config);
      },
    },
  },
});

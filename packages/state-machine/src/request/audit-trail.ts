import type { AuditBroker, AuditRecord } from "../audit/index.js";
import type { RequestError } from "../errors.js";
import type { Environment } from "../framework/index.js";
import type { ReadStorage } from "../framework/storage.js";
import type { Store } from "../store/index.js";
import type { Answer } from "./answer.js";
import type { Progress } from "./progress.js";

/**
 * The two lines of a request. The first is written when token and policies have been looked at, since it says who asked and
 * whether that was allowed, and before the handler may do anything; the second when the outcome is certain, before anybody
 * learns it. All give undefined, at once, where there is nothing to write; they reject with RequestError 500 where no device
 * could take the line, and note that in `progress`.
 */
export interface AuditTrail {
  /** Only where a device is enabled. `core`: the evaluation's own view. */
  asked(core: ReadStorage, progress: Progress): Promise<void> | undefined;
  answered(progress: Progress, answer: Answer): Promise<void> | undefined;
  /** Both lines where the first is missing: refused requests are on record too. */
  failed(progress: Progress, error: RequestError): Promise<void> | undefined;
}

export function createAuditTrail(audit: AuditBroker, store: Store, env: Environment): AuditTrail {
  async function write(core: ReadStorage, progress: Progress, record: AuditRecord): Promise<void> {
    try {
      await audit.log(core, record);
    } catch (error) {
      progress.isRecorded = false;
      throw error;
    }
  }

  /** What is enabled now, after the request changed it. */
  function isOn(): boolean {
    return store.evaluate((tx) => audit.enabled(tx.scoped("core/"))).value;
  }

  async function writeNow(progress: Progress, records: readonly AuditRecord[]): Promise<void> {
    for (const record of records) await store.evaluate((tx) => write(tx.scoped("core/"), progress, record));
  }

  function base(progress: Progress, type: AuditRecord["type"]): AuditRecord {
    const { request, body, token, identityPolicies, access, target, wrapTtlSeconds } = progress;
    return {
      type,
      time: env.now(),
      request,
      operation: progress.operation(),
      data: body,
      token,
      identityPolicies,
      access,
      mount: target?.entry,
      sensitive: sensitiveFields(progress),
      wrapTtlSeconds,
      error: undefined,
      response: undefined,
    };
  }

  return {
    asked(core, progress) {
      if (progress.requestLogged) return undefined;
      progress.requestLogged = true;
      return write(core, progress, base(progress, "request"));
    },
    answered(progress, answer) {
      return isOn() ? writeNow(progress, [withAnswer(base(progress, "response"), answer)]) : undefined;
    },
    failed(progress, error) {
      if (!isOn()) return undefined;
      const lines: AuditRecord[] = progress.requestLogged ? [] : [{ ...base(progress, "request"), error }];
      return writeNow(progress, [...lines, { ...base(progress, "response"), error }]);
    },
  };
}

function sensitiveFields({ target }: Progress): string[] {
  if (!target) return [];
  const fields = target.match.declaration.fields as Readonly<Record<string, { readonly sensitive?: boolean }>>;
  return Object.keys(fields).filter((name) => fields[name]!.sensitive);
}

type Values = Readonly<Record<string, unknown>>;
const NOTHING = { data: null, auth: null, wrapInfo: null, warnings: [], leaseId: "" } as const;

function withAnswer(record: AuditRecord, answer: Answer): AuditRecord {
  switch (answer.kind) {
    case "refused":
      return { ...record, error: answer.error };
    case "miss":
      return { ...record, response: { ...NOTHING, warnings: answer.warnings } };
    case "other":
      return { ...record, response: { ...NOTHING, ...answer.response.audited } };
    case "envelope": {
      const { response, auth, wrapInfo, warnings, lease } = answer.sealed;
      // What is wrapped is on record only as wrapped.
      const shown = wrapInfo ? { data: null, auth: null } : { data: response.data, auth: auth as unknown as Values | null };
      return { ...record, response: { ...shown, wrapInfo: wrapInfo as unknown as Values | null, warnings, leaseId: lease?.id ?? "" } };
    }
    case "forward":
      return record;
  }
}

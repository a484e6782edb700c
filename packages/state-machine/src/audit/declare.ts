import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { auditDevices, enableAudit, putAudit } from "./device.js";

/** One `audit_device` block of the configuration. */
export interface DeclaredAuditDevice {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
}

const sameOptions = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] === value);

/**
 * Makes the devices of the configuration file those of the cluster: enables what is not there and replaces what changed,
 * with its old salt, so that known values still hash alike. It may run at every start of an active node, and returns the
 * paths it wrote. A device that was enabled through the API is never touched: one at a declared path with other options is
 * an error (RequestError 400). A block that was taken out of the file leaves its device enabled: turning auditing off takes a
 * request that is audited itself. `storage` is scoped to `core/`.
 */
export function declareAudit(storage: WriteStorage, devices: readonly DeclaredAuditDevice[], env: Environment): readonly string[] {
  const written: string[] = [];
  for (const { path, type, description, options } of devices) {
    const known = auditDevices(storage)[path];
    const device = { path, type, description, options, local: false, declared: true };
    if (!known) enableAudit(storage, device, env);
    else if (known.type === type && sameOptions(known.options, options) && (!known.declared || known.description === description)) continue;
    else if (!known.declared) throw invalid(`the audit device ${path} of the configuration was enabled through the API before, with other options; disable it there first`);
    else putAudit(storage, device, known.salt, env);
    written.push(path);
  }
  return written;
}

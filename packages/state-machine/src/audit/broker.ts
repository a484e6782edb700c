import { RequestError } from "../errors.js";
import type { ReadStorage } from "../framework/storage.js";
import { auditDevices, parseFileOptions } from "./device.js";
import type { AuditDeviceEntry, FileOptions } from "./device.js";
import { createFileWriter } from "./file-writer.js";
import type { LineWriter } from "./file-writer.js";
import { formatRecord } from "./record.js";
import type { AuditRecord } from "./record.js";

/** Writes each record to every enabled device. A request goes on only if one of them has it. */
export interface AuditBroker {
  /** Whether any device is enabled: without one, auditing costs nothing. `storage` is scoped to `core/`. */
  enabled(storage: ReadStorage): boolean;
  /** Throws RequestError 500 when devices are enabled and none could write. */
  log(storage: ReadStorage, record: AuditRecord): Promise<void>;
  /** Opens the device and writes a line, so that one that cannot write is never enabled. Throws RequestError 400. */
  test(device: Pick<AuditDeviceEntry, "path" | "type" | "options">): Promise<void>;
  reopen(): void;
  readonly counts: { requests: number; failures: number };
}

const STDOUT: LineWriter = { write: (line) => new Promise((resolve) => process.stdout.write(line, () => resolve())), reopen: () => undefined, close: async () => undefined };
const DISCARD: LineWriter = { write: async () => undefined, reopen: () => undefined, close: async () => undefined };

function openWriter(options: FileOptions): LineWriter {
  if (options.file === "stdout") return STDOUT;
  return options.file === "discard" ? DISCARD : createFileWriter(options.file, options.mode);
}

export function createAuditBroker(onFailure: (device: string, error: unknown) => void): AuditBroker {
  const open = new Map<string, { options: FileOptions; writer: LineWriter }>();
  const counts = { requests: 0, failures: 0 };

  function deviceFor(entry: AuditDeviceEntry) {
    const known = open.get(entry.uuid);
    if (known) return known;
    const options = parseFileOptions(entry.options);
    const device = { options, writer: openWriter(options) };
    open.set(entry.uuid, device);
    return device;
  }

  function closeOthers(entries: readonly AuditDeviceEntry[]): void {
    for (const [uuid, { writer }] of open) {
      if (entries.some((entry) => entry.uuid === uuid)) continue;
      open.delete(uuid);
      void writer.close();
    }
  }

  return {
    counts,
    enabled: (storage) => Object.keys(auditDevices(storage)).length > 0,
    async log(storage, record) {
      const entries = Object.values(auditDevices(storage));
      if (open.size > entries.length) closeOthers(entries);
      counts.requests += 1;
      const written = await Promise.all(
        entries.map(async (entry) => {
          try {
            const { options, writer } = deviceFor(entry);
            await writer.write(`${options.prefix}${formatRecord(record, entry.salt, options)}\n`);
            return true;
          } catch (error) {
            counts.failures += 1;
            onFailure(entry.path, error);
            return false;
          }
        }),
      );
      if (!written.some(Boolean)) throw new RequestError("internal", "failed to write to the audit log: no enabled audit device could take the record");
    },
    async test({ options }) {
      const parsed = parseFileOptions(options);
      let writer: LineWriter | undefined;
      try {
        writer = openWriter(parsed);
        await writer.write("");
      } catch (error) {
        throw new RequestError("invalid_request", `the audit device cannot write to ${parsed.file}: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
      } finally {
        await writer?.close();
      }
    },
    reopen() {
      for (const { writer } of open.values()) writer.reopen();
    },
  };
}

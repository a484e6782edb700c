import { randomUUID } from "node:crypto";
import { RequestError } from "../errors.js";
import type { ReadStorage } from "../framework/storage.js";
import { auditDevices, parseFileOptions } from "./device.js";
import type { AuditDeviceEntry, FileOptions } from "./device.js";
import { createFileWriter } from "./file-writer.js";
import type { LineWriter } from "./file-writer.js";
import { formatRecord, testLine } from "./record.js";
import type { AuditRecord } from "./record.js";
import { auditedHeaders } from "./request-headers.js";

/** Writes each record to every enabled device. A request goes on only if one of them has it. */
export interface AuditBroker {
  /** Whether any device is enabled: without one, auditing costs nothing. `storage` is scoped to `core/`. */
  enabled(storage: ReadStorage): boolean;
  /** Throws RequestError 500 when devices are enabled and none could write. */
  log(storage: ReadStorage, record: AuditRecord): Promise<void>;
  /** Opens the device and writes a line (unless `skip_test` is set), so that one that cannot write is never enabled. Throws RequestError 400. */
  test(device: Pick<AuditDeviceEntry, "path" | "type" | "options">): Promise<void>;
  /** Opens every file anew, after rotation. A file that cannot be opened is reported, and goes on where it was. */
  reopen(): void;
  /** Lets go of every file, when the node is sealed or stops. */
  close(): Promise<void>;
  readonly counts: { requests: number; failures: number };
}

const nothing = () => Promise.resolve();
const STDOUT: LineWriter = { write: (line) => new Promise((resolve, reject) => process.stdout.write(line, (error) => (error ? reject(error) : resolve()))), reopen: nothing, close: nothing };
const DISCARD: LineWriter = { write: nothing, reopen: nothing, close: nothing };

function openWriter({ file, mode }: FileOptions): LineWriter {
  if (file === "stdout") return STDOUT;
  return file === "discard" ? DISCARD : createFileWriter(file, mode);
}

export function createAuditBroker(onFailure: (device: string, error: unknown) => void): AuditBroker {
  const open = new Map<string, { readonly path: string; readonly options: FileOptions; readonly writer: LineWriter }>();
  const counts = { requests: 0, failures: 0 };

  /** A device's options never change under its uuid. */
  function deviceFor(entry: AuditDeviceEntry) {
    const known = open.get(entry.uuid);
    if (known) return known;
    const options = parseFileOptions(entry.options);
    const device = { path: entry.path, options, writer: openWriter(options) };
    open.set(entry.uuid, device);
    return device;
  }

  function release(uuids: readonly string[]): Promise<unknown> {
    return Promise.all(
      uuids.map((uuid) => {
        const device = open.get(uuid)!;
        open.delete(uuid);
        return device.writer.close().catch((error: unknown) => onFailure(device.path, error));
      }),
    );
  }

  async function writeTo(entry: AuditDeviceEntry, record: AuditRecord, storage: ReadStorage): Promise<boolean> {
    try {
      const { options, writer } = deviceFor(entry);
      await writer.write(`${options.prefix}${formatRecord(record, { salt: entry.salt, options, headers: auditedHeaders(storage) })}\n`);
      return true;
    } catch (error) {
      counts.failures += 1;
      onFailure(entry.path, error);
      return false;
    }
  }

  return {
    counts,
    enabled: (storage) => {
      for (const _ in auditDevices(storage)) return true;
      return false;
    },
    async log(storage, record) {
      const entries = Object.values(auditDevices(storage));
      const gone = [...open.keys()].filter((uuid) => !entries.some((entry) => entry.uuid === uuid));
      if (gone.length > 0) void release(gone);
      if (entries.length === 0) return;
      counts.requests += 1;
      const written = await Promise.all(entries.map((entry) => writeTo(entry, record, storage)));
      if (!written.some(Boolean)) throw new RequestError("internal", "failed to write to the audit log: no enabled audit device could take the record");
    },
    async test({ options }) {
      const parsed = parseFileOptions(options);
      if (parsed.skipTest) return;
      let writer: LineWriter | undefined;
      try {
        writer = openWriter(parsed);
        await writer.write(`${parsed.prefix}${testLine(Date.now(), randomUUID())}\n`);
      } catch (error) {
        throw new RequestError("invalid_request", `audit backend failed test message: cannot write to ${parsed.file}: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
      } finally {
        await writer?.close();
      }
    },
    reopen() {
      for (const { path, writer } of open.values()) writer.reopen().catch((error: unknown) => onFailure(path, error));
    },
    async close() {
      await release([...open.keys()]);
    },
  };
}

import { randomUUID } from "node:crypto";
import { RequestError } from "../errors.js";
import type { ReadStorage } from "../framework/storage.js";
import { auditDevices } from "./device.js";
import type { AuditDeviceEntry } from "./device.js";
import { createHasher } from "./hmac.js";
import type { Hasher } from "./hmac.js";
import type { LineWriter } from "./line-writer.js";
import { openWriter } from "./open-writer.js";
import { parseOptions } from "./options.js";
import type { Destination, DeviceOptions } from "./options.js";
import { filterSubject, linesOf, testLine } from "./record.js";
import type { AuditRecord } from "./record.js";
import { auditedHeaders } from "./request-headers.js";

/** Writes each record to every enabled device that asks for it. A request goes on only if one of them has it. */
export interface AuditBroker {
  /** Whether any device is enabled: without one, auditing costs nothing. `storage` is scoped to `core/`. */
  enabled(storage: ReadStorage): boolean;
  /** Throws RequestError 500 when devices are enabled and none could write. What all filters leave out is no failure. */
  log(storage: ReadStorage, record: AuditRecord): Promise<void>;
  /** Opens the device and writes a line (unless `skip_test` is set), so that one that cannot write is never enabled. Throws RequestError 400. */
  test(device: Pick<AuditDeviceEntry, "path" | "type" | "options">): Promise<void>;
  /** Opens every file and connection anew, after rotation. What cannot be opened is reported, and goes on where it was. */
  reopen(): void;
  /** Lets go of every file, when the node is sealed or stops. */
  close(): Promise<void>;
  readonly counts: { requests: number; failures: number; milliseconds: number };
}

interface OpenDevice {
  readonly path: string;
  readonly hasher: Hasher;
  readonly options: DeviceOptions;
  readonly writer: LineWriter;
}

export function createAuditBroker(onFailure: (device: string, error: unknown) => void): AuditBroker {
  const open = new Map<string, OpenDevice>();
  const counts = { requests: 0, failures: 0, milliseconds: 0 };

  /** A device's options never change under its uuid. Undefined, and reported, where it cannot be opened. */
  function deviceFor(entry: AuditDeviceEntry): OpenDevice | undefined {
    const known = open.get(entry.uuid);
    if (known) return known;
    try {
      const options = parseOptions(entry.type, entry.options);
      const device = { path: entry.path, hasher: createHasher(entry.salt), options, writer: openWriter(options.destination) };
      open.set(entry.uuid, device);
      return device;
    } catch (error) {
      failed(entry.path, error);
      return undefined;
    }
  }

  function failed(path: string, error: unknown): void {
    counts.failures += 1;
    onFailure(path, error);
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

  async function writeTo({ path, hasher, options: { records }, writer }: OpenDevice, lineFor: ReturnType<typeof linesOf>): Promise<boolean> {
    try {
      await writer.write(`${records.prefix}${lineFor(records, hasher)}\n`);
      return true;
    } catch (error) {
      failed(path, error);
      return false;
    }
  }

  /** True: a device has it, or none of them asks for it. */
  async function writeToAll(entries: readonly AuditDeviceEntry[], record: AuditRecord, storage: ReadStorage): Promise<boolean> {
    const devices = entries.map(deviceFor);
    const fallback = devices.find((device) => device?.options.isFallback);
    const subject = filterSubject(record);
    const asking = devices.filter((device) => device !== undefined && device !== fallback && (device.options.filter?.(subject) ?? true)) as readonly OpenDevice[];
    const lineFor = linesOf(record, auditedHeaders(storage));
    const written = await Promise.all(asking.map((device) => writeTo(device, lineFor)));
    if (written.some(Boolean)) return true;
    if (fallback) return writeTo(fallback, lineFor);
    return asking.length === 0 && !devices.includes(undefined);
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
      const since = performance.now();
      const isWritten = await writeToAll(entries, record, storage);
      counts.milliseconds += performance.now() - since;
      if (!isWritten) throw new RequestError("internal", "failed to write to the audit log: no enabled audit device could take the record");
    },
    async test({ type, options }) {
      const parsed = parseOptions(type, options);
      if (parsed.skipTest) return;
      let writer: LineWriter | undefined;
      try {
        writer = openWriter(parsed.destination);
        await writer.write(`${parsed.records.prefix}${testLine(Date.now(), randomUUID(), parsed.records)}\n`);
      } catch (error) {
        throw new RequestError("invalid_request", `audit backend failed test message: cannot write to ${nameOf(parsed.destination)}: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
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

function nameOf(destination: Destination): string {
  if (destination.kind === "file") return destination.file;
  const { kind, host, port, path } = destination.address;
  return kind === "unix" ? path : `${kind}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

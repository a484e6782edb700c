import { createHash, randomBytes } from "node:crypto";
import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { RequestError } from "@coffer/state-machine";

const READ_BYTES = 256 * 1024;

/** Bytes put aside on disk until they are wanted. Only their owner can read them, and nothing is left after a crash. */
export interface Spool {
  append(bytes: Uint8Array): Promise<void>;
  size(): number;
  /** Hex, of everything appended. Ends the appending. */
  sha256(): string;
  /** From the beginning, each time it is called. */
  read(): AsyncIterable<Uint8Array>;
  /** Gives the disk space back. A second call does nothing. */
  close(): Promise<void>;
}

function failed(error: unknown): RequestError {
  return new RequestError("internal", `could not put the snapshot aside on disk: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
}

/** The file loses its name at once: it goes when its handle does, however the process ends. Throws RequestError `internal`. */
export async function openSpool(directory: string): Promise<Spool> {
  const path = join(directory, `snapshot-${randomBytes(8).toString("hex")}.tmp`);
  const file = await open(path, "wx+", 0o600).catch((error: unknown) => Promise.reject(failed(error)));
  try {
    await unlink(path);
  } catch (error) {
    await file.close();
    throw failed(error);
  }
  const hash = createHash("sha256");
  let size = 0;
  let closing: Promise<void> | undefined;
  return {
    async append(bytes) {
      hash.update(bytes);
      await file.writeFile(bytes).catch((error: unknown) => Promise.reject(failed(error)));
      size += bytes.length;
    },
    size: () => size,
    sha256: () => hash.digest("hex"),
    async *read() {
      for (let position = 0; position < size; ) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(READ_BYTES, size - position)), 0, null, position);
        if (bytesRead === 0) throw failed({ code: "it is cut short" });
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    close: () => (closing ??= file.close()),
  };
}

/** The disk is full or fails: what was to be written is not there, what was acknowledged is. */
export class DiskFailure extends Error {
  override readonly name = "DiskFailure";
  readonly code = "disk_failed";
}

const DISK_CODES: ReadonlySet<unknown> = new Set(["LEVEL_IO_ERROR", "ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG", "disk_failed"]);

/** The error and what caused it, which LevelDB tells one level down. */
function codesOf(error: unknown): unknown[] {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code];
}

export function isDiskFailure(error: unknown): boolean {
  return codesOf(error).some((code) => DISK_CODES.has(code));
}

/** What LevelDB found to be other than it was written. */
export function isCorruption(error: unknown): boolean {
  return codesOf(error).includes("LEVEL_CORRUPTION");
}

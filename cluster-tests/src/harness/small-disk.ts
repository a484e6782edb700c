import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder on a disk of its own, which can be filled to its last byte. Linux and root. */
export interface SmallDisk {
  fill(): void;
  free(): void;
  remove(): void;
}

const CHUNK = Buffer.alloc(1024 * 1024, 1);
/** In the end a page at a time. */
const LEAST = 4096;

const mount = (folder: string, megabytes: number) => spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "tmpfs", folder], { encoding: "utf8" });
const unmount = (folder: string) => spawnSync("umount", ["-l", folder], { stdio: "ignore" });

/** Why there can be no such disk here; undefined where there can. */
export function noSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "coffer-disk-"));
  const { status } = mount(folder, 1);
  if (status === 0) unmount(folder);
  rmdirSync(folder);
  return status === 0 ? undefined : "small disks need Linux, root, and leave to mount";
}

export function mountSmallDisk(folder: string, megabytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { status, stderr, error } = mount(folder, megabytes);
  if (status !== 0) throw new Error(`mounting a small disk: ${error?.message ?? stderr.trim()}`);
  const ballast = join(folder, "ballast");
  return {
    fill() {
      const file = openSync(ballast, "a");
      try {
        for (let size = CHUNK.length; size >= LEAST; size /= 2) writeWhileRoom(file, size);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => void unmount(folder),
  };
}

function writeWhileRoom(file: number, size: number): void {
  try {
    while (writeSync(file, CHUNK, 0, size) === size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

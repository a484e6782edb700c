import { chownSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whom a server runs as that refuses to be root: numeric ids of its system account. Empty: as ourselves. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** The account of this name where we are root, and it exists. */
export function accountOf(name: string): Account {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid !== undefined && gid !== undefined ? { uid: Number(uid), gid: Number(gid) } : {};
}

/** A new folder below the system's temporary one, owned by that account. */
export function folderOf({ uid, gid }: Account, prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${prefix}-`));
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

/** A certificate to serve with, and its key; PEM. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Puts them where the account can read them, and nobody else the key. */
export function writeCertificate({ uid, gid }: Account, folder: string, { certificate, key }: ServerCertificate): { readonly certificateFile: string; readonly keyFile: string } {
  const files = { certificateFile: join(folder, "server.crt"), keyFile: join(folder, "server.key") };
  writeFileSync(files.certificateFile, certificate);
  writeFileSync(files.keyFile, key, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) for (const file of Object.values(files)) chownSync(file, uid, gid);
  return files;
}

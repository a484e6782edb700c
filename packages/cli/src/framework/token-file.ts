import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Io } from "./io.js";

function tokenPath(io: Io): string {
  return join(io.env["HOME"] ?? homedir(), ".vault-token");
}

/** The token of the last login; undefined if there was none. */
export async function readTokenFile(io: Io): Promise<string | undefined> {
  try {
    const token = (await readFile(tokenPath(io), "utf8")).trim();
    return token === "" ? undefined : token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Keeps a token for later commands, readable by its owner only, whole or not at all. */
export async function writeTokenFile(io: Io, token: string): Promise<void> {
  const path = tokenPath(io);
  const fresh = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(fresh, token, { mode: 0o600 });
    await chmod(fresh, 0o600);
    await rename(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}

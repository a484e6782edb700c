import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readMembers } from "@coffer/raft/host";
import type { Configuration, RaftStorage } from "../configuration/types.js";
import { lockDataFolder } from "../lifecycle/data-folder.js";
import { probeDisk } from "../lifecycle/disk-wait.js";
import { readIdentity } from "../lifecycle/node-identity.js";
import type { Logger } from "../logging/logger.js";
import { openSoleState } from "../storage/open-sole-state.js";
import { DiagnosedError } from "./finding.js";
import type { Check } from "./finding.js";
import { within } from "./within.js";

const OTHERS = 0o077;
const GIB = 1024 ** 3;
/** As nodes need it to go on after a full disk. */
const TOO_LITTLE = 64 * 1024 ** 2;
const NEARLY_FULL = 0.05;
const SLOW_MS = 100;
const OPEN_MS = 45_000;
const ACCESS_MS = 60_000;

export async function checkStorage(configuration: Configuration, logger: Logger, check: Check): Promise<void> {
  const { storage } = configuration;
  if (storage.type === "inmem") return check.look("Create Storage Backend", ({ warn }) => warn('storage "inmem" forgets everything when the server ends.'));
  const folder = storage.type === "raft" || storage.type === "file" ? storage.path : undefined;
  if (folder !== undefined && !(await checkFolder(folder, check))) return;
  if (storage.type === "raft") return check.look("Check For Raft Quorum", (inner) => checkMembers(storage, inner));
  return check.look("Create Storage Backend", async () => {
    const state = await within(OPEN_MS, "The storage could not be opened: it cannot be reached, or a server that runs owns it.", openSoleState(storage, "diagnose", logger, () => undefined));
    const index = state.reader.appliedIndex();
    await state.close();
    return index === 0 ? "It holds no state yet." : undefined;
  });
}

/** False where there is no use in looking further: nothing is there yet, or this user may not. */
async function checkFolder(folder: string, check: Check): Promise<boolean> {
  let isThere = false;
  let isUsable = false;
  let isOwn = false;
  await check.look("Check Data Folder", () => {
    isThere = existsSync(folder);
    const found = isThere ? folder : nearest(folder);
    if (!statSync(found).isDirectory()) throw new Error(`${found} is no folder.`);
    try {
      accessSync(found, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch {
      throw new DiagnosedError(`This user may not read and write ${found}.`, "Give the folder to the user of the service, or run this command as that user.");
    }
    isUsable = true;
    return isThere ? folder : `${folder} is not there yet: the first start makes it.`;
  });
  if (!isUsable) return false;
  if (isThere) {
    await check.look("Check Data Folder Permissions", ({ warn }) => {
      const { mode, uid } = statSync(folder);
      const own = process.getuid?.();
      isOwn = own === undefined || uid === own;
      if (!isOwn) warn(`${folder} belongs to user ${uid}, and this command runs as ${own}.`, "Run it as the user of the service: files that it made would be out of that user's reach, so storage is not opened.");
      if ((mode & OTHERS) !== 0) warn(`Others may use ${folder}: its mode is ${(mode & 0o777).toString(8)}.`, `chmod 700 ${folder}`);
    });
  }
  await check.look("Check Disk Usage", ({ warn }) => {
    const { bavail, blocks, bsize } = statfsSync(isThere ? folder : nearest(folder));
    const free = bavail * bsize;
    const text = `${(free / GIB).toFixed(1)} GiB are free.`;
    if (free < TOO_LITTLE) throw new DiagnosedError(text, "A server does not write to a disk that is so full.");
    if (free < GIB || bavail < blocks * NEARLY_FULL) return warn(text, "Keep at least one GiB and five percent free: compaction, and a state that is received, need room beside what is there.");
    return text;
  });
  if (!isThere || !isOwn) return false;
  await check.look("Check Storage Access", async ({ warn }) => {
    const since = performance.now();
    await within(ACCESS_MS, "Writing a file took too long.", probeDisk(folder));
    const took = Math.round(performance.now() - since);
    if (took > SLOW_MS) warn(`Writing and syncing a file of 1 MiB took ${took} ms.`, "Every write waits for this disk.");
  });
  return true;
}

function nearest(folder: string): string {
  const above = dirname(folder);
  return existsSync(above) || above === folder ? above : nearest(above);
}

async function checkMembers(storage: RaftStorage, { warn, skip }: Check): Promise<string | void> {
  const identity = readIdentity(storage.path);
  if (!identity || !existsSync(join(storage.path, "log", "CURRENT"))) return skip("This node is part of no cluster yet.");
  if (identity.nodeId !== storage.nodeId) throw new Error(`The data is that of node ${JSON.stringify(identity.nodeId)}, the configuration says node_id = ${JSON.stringify(storage.nodeId)}.`);
  const lock = await lockDataFolder(storage.path).catch(() => undefined);
  if (!lock) return skip("A server runs on this folder: ask it, by coffer operator raft list-peers.");
  try {
    const { servers } = await readMembers(join(storage.path, "log"));
    const voters = servers.filter(({ voter }) => voter);
    const text = `${voters.length} voters: ${servers.map(({ id, address, voter }) => `${id} (${address}${voter ? "" : ", without a vote"})`).join(", ")}.`;
    if (!servers.some(({ id }) => id === storage.nodeId)) warn(`This node is not among the servers of its cluster. ${text}`, "Where it was removed, empty its data folder before it joins again.");
    else if (voters.length === 1) warn(text, "One server is not highly available: three survive the loss of one.");
    else if (voters.length % 2 === 0) warn(text, "An odd number of voters survives as many losses with one server less.");
    return text;
  } finally {
    await lock.release();
  }
}

import { readFile, readdir, statfs } from "node:fs/promises";
import { arch, cpus, freemem, hostname, machine, platform, release, totalmem, uptime } from "node:os";

/** Fields as in Vault, which has them from gopsutil. What Node does not tell is 0 or empty. */
export async function hostInfo(): Promise<Readonly<Record<string, unknown>>> {
  const [disk, host, memory] = await Promise.all([disks(), describeHost(), describeMemory()]);
  return { timestamp: new Date().toISOString(), cpu: processors(), cpu_times: processorTimes(), disk, host, memory };
}

function processors(): readonly Readonly<Record<string, unknown>>[] {
  return cpus().map(({ model, speed }, i) => ({
    cpu: i, vendorId: "", family: "", model: "", stepping: 0, physicalId: "", coreId: String(i), cores: 1,
    modelName: model, mhz: speed, cacheSize: 0, flags: [], microcode: "",
  }));
}

/** Seconds. */
function processorTimes(): readonly Readonly<Record<string, unknown>>[] {
  return cpus().map(({ times: { user, sys, idle, nice, irq } }, i) => ({
    cpu: `cpu${i}`, user: user / 1000, system: sys / 1000, idle: idle / 1000, nice: nice / 1000,
    iowait: 0, irq: irq / 1000, softirq: 0, steal: 0, guest: 0, guestNice: 0,
  }));
}

/** Empty where there is no such file: /proc is Linux's. */
function linesOf(path: string): Promise<string[]> {
  return readFile(path, "utf8").then((text) => text.split("\n").filter((line) => line !== ""), () => []);
}

/** Those on a device; without any, as in many containers, the root. */
async function disks(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const onDevices = new Set((await linesOf("/proc/filesystems")).filter((line) => !line.startsWith("nodev")).map((line) => line.trim()));
  const mounts = (await linesOf("/proc/self/mounts")).flatMap((line) => {
    const [, path = "", fstype = ""] = line.split(" ");
    // Spaces and the like are written as octal escapes.
    return onDevices.has(fstype) ? [{ path: path.replace(/\\([0-7]{3})/g, (_escape, octal: string) => String.fromCharCode(parseInt(octal, 8))), fstype }] : [];
  });
  const found = await Promise.all(mounts.map(({ path, fstype }) => usage(path, fstype)));
  const readable = found.filter((disk) => disk !== undefined);
  return readable.length > 0 ? readable : [await usage("/", "")].filter((disk) => disk !== undefined);
}

async function usage(path: string, fstype: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
    const [free, used] = [bavail * bsize, (blocks - bfree) * bsize];
    return {
      path, fstype, total: blocks * bsize, free, used, usedPercent: percent(used, used + free),
      inodesTotal: files, inodesUsed: files - ffree, inodesFree: ffree, inodesUsedPercent: percent(files - ffree, files),
    };
  } catch {
    return undefined; // not for us to look at
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

async function describeHost(): Promise<Readonly<Record<string, unknown>>> {
  const pairs = (await linesOf("/etc/os-release")).map((line) => line.split("=", 2)).map(([key = "", value = ""]) => [key, value.replace(/^"|"$/g, "")] as const);
  const distribution = new Map(pairs);
  const up = Math.floor(uptime());
  return {
    hostname: hostname(), uptime: up, bootTime: Math.floor(Date.now() / 1000) - up, procs: await processes(), os: platform(),
    platform: distribution.get("ID") ?? platform(), platformFamily: distribution.get("ID_LIKE") ?? "", platformVersion: distribution.get("VERSION_ID") ?? "",
    kernelVersion: release(), kernelArch: machine() || arch(), virtualizationSystem: "", virtualizationRole: "", hostid: "",
  };
}

async function processes(): Promise<number> {
  const names = await readdir("/proc").catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).length;
}

/** Vault's names for the lines of /proc/meminfo, which are in kB. */
const MEMINFO = {
  free: "MemFree", active: "Active", inactive: "Inactive", buffers: "Buffers", cached: "Cached", writeback: "Writeback",
  dirty: "Dirty", writebacktmp: "WritebackTmp", shared: "Shmem", slab: "Slab", sreclaimable: "SReclaimable", sunreclaim: "SUnreclaim",
  pagetables: "PageTables", swapcached: "SwapCached", commitlimit: "CommitLimit", committedas: "Committed_AS", hightotal: "HighTotal",
  highfree: "HighFree", lowtotal: "LowTotal", lowfree: "LowFree", swaptotal: "SwapTotal", swapfree: "SwapFree", mapped: "Mapped",
  vmalloctotal: "VmallocTotal", vmallocused: "VmallocUsed", vmallocchunk: "VmallocChunk",
} as const;

async function describeMemory(): Promise<Readonly<Record<string, unknown>>> {
  const lines = (await linesOf("/proc/meminfo")).map((line) => /^(\w+):\s+(\d+)( kB)?/.exec(line));
  const meminfo = new Map(lines.flatMap((line) => (line ? [[line[1]!, Number(line[2]) * (line[3] ? 1024 : 1)] as const] : [])));
  const total = totalmem();
  const available = meminfo.get("MemAvailable") ?? freemem();
  return {
    ...Object.fromEntries(Object.entries(MEMINFO).map(([name, line]) => [name, meminfo.get(line) ?? 0])),
    total, available, used: total - available, usedPercent: percent(total - available, total), free: meminfo.get("MemFree") ?? freemem(),
    wired: 0, laundry: 0,
    hugepagestotal: meminfo.get("HugePages_Total") ?? 0, hugepagesfree: meminfo.get("HugePages_Free") ?? 0, hugepagesize: meminfo.get("Hugepagesize") ?? 0,
  };
}

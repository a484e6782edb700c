import assert from "node:assert/strict";
import { cpus, hostname, totalmem } from "node:os";
import { describe, it } from "node:test";
import { hostInfo } from "./host-info.js";

type Fields = Readonly<Record<string, unknown>>;

describe("host-info", () => {
  it("has Vault's five parts and a timestamp", async () => {
    const info = await hostInfo();
    assert.deepEqual(Object.keys(info).sort(), ["cpu", "cpu_times", "disk", "host", "memory", "timestamp"]);
    assert.ok(Math.abs(Date.parse(String(info["timestamp"])) - Date.now()) < 60_000);
  });

  it("describes every processor", async () => {
    const { cpu, cpu_times: times } = (await hostInfo()) as { cpu: Fields[]; cpu_times: Fields[] };
    assert.equal(cpu.length, cpus().length);
    assert.equal(cpu[0]?.["modelName"], cpus()[0]?.model);
    assert.deepEqual(times.map((time) => time["cpu"]), cpus().map((_, i) => `cpu${i}`));
    for (const name of ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guestNice"]) assert.equal(typeof times[0]?.[name], "number", name);
  });

  it("measures at least one disk", async () => {
    const { disk } = (await hostInfo()) as { disk: Fields[] };
    assert.ok(disk.length > 0);
    for (const { path, total, used, free, usedPercent } of disk as { path: string; total: number; used: number; free: number; usedPercent: number }[]) {
      assert.ok(path.startsWith("/"));
      assert.ok(total > 0 && used >= 0 && free >= 0 && used + free <= total);
      assert.ok(usedPercent >= 0 && usedPercent <= 100);
    }
  });

  it("describes the host and its memory", async () => {
    const { host, memory } = (await hostInfo()) as { host: Fields; memory: Fields };
    assert.equal(host["hostname"], hostname());
    assert.equal(host["os"], process.platform);
    assert.ok(Number(host["bootTime"]) * 1000 < Date.now());
    assert.equal(memory["total"], totalmem());
    assert.equal(Number(memory["used"]) + Number(memory["available"]), totalmem());
    assert.ok(Object.values(memory).every((value) => Number.isFinite(value)));
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { lockDataFolder } from "./data-folder.js";

function folder(t: { after(fn: () => void): void }): string {
  const made = mkdtempSync(join(tmpdir(), "coffer-lock-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("a folder is locked once, until it is released", async (t) => {
  const path = join(folder(t), "data");
  const lock = await lockDataFolder(path);
  await assert.rejects(lockDataFolder(path), { message: `the data folder ${path} is in use by another process` });
  await lock.release();
  await (await lockDataFolder(path)).release();
});

test("the lock of a killed process is free", async (t) => {
  const path = folder(t);
  const script = `import { lockDataFolder } from ${JSON.stringify(new URL("./data-folder.js", import.meta.url).href)}; await lockDataFolder(${JSON.stringify(path)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => holder.once("exit", resolve));
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  await assert.rejects(lockDataFolder(path), /in use by another process/);
  holder.kill("SIGKILL");
  await gone;
  await (await lockDataFolder(path)).release();
});

test("a folder that cannot be made is named", async (t) => {
  const path = join(folder(t), "file");
  writeFileSync(path, "");
  await assert.rejects(lockDataFolder(path), new RegExp(`^Error: the data folder ${path} cannot be made: EEXIST`));
});

test("a folder that cannot be written is said to be so", { skip: process.getuid?.() === 0 && "root writes anywhere" }, async (t) => {
  const path = folder(t);
  chmodSync(path, 0o500);
  await assert.rejects(lockDataFolder(path), /cannot be used: .*[Pp]ermission denied/);
});

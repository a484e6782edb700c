import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";
import { load } from "./load.mjs";

/** A bare node:http server, in a process of its own, that is sent the same bytes and sends the same bytes. */
export async function bareServer({ sample, path, headers, seconds, connections }) {
  const program = `
    const sample = JSON.parse(process.env.SAMPLE);
    const body = Buffer.from(sample.body);
    const server = require("node:http").createServer((req, res) => { res.writeHead(200, sample.headers); res.end(body); });
    server.listen(0, "127.0.0.1", () => process.send(server.address().port));`;
  const server = spawn(process.execPath, ["-e", program], { env: { ...process.env, SAMPLE: JSON.stringify(sample) }, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [port] = await once(server, "message");
  try {
    return await load({ url: `http://127.0.0.1:${port}${path}`, headers, seconds, connections });
  } finally {
    server.kill();
    await once(server, "exit");
  }
}

/** Single synchronous LevelDB batches a second, one after another, on the nodes' disk; by default of about the size of one write. */
export async function levelBatches(folder, seconds, bytes = 700) {
  const path = join(folder, "yardstick");
  const db = new Level(path, { valueEncoding: "view" });
  await db.open();
  const value = new Uint8Array(bytes);
  const end = performance.now() + seconds * 1000;
  const begin = performance.now();
  let count = 0;
  while (performance.now() < end) await db.batch([{ type: "put", key: `key-${count++}`, value }], { sync: true });
  const rate = count / ((performance.now() - begin) / 1000);
  await db.close();
  rmSync(path, { recursive: true, force: true });
  return rate;
}

export function percentile(sorted, fraction) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { freePort, freePorts } from "./ports.js";

const COUNT = 70;
/** Says which ports it got, and lives until its input ends. */
const OTHER = `
  import { freePorts } from ${JSON.stringify(new URL("ports.js", import.meta.url).href)};
  console.log(JSON.stringify(await freePorts(${COUNT})));
  process.stdin.resume();
`;

test("processes that ask at the same time get different ports, all below those that the system gives out", async (t) => {
  const others = Array.from({ length: 3 }, () => spawn(process.execPath, ["--input-type=module", "-e", OTHER], { stdio: ["pipe", "pipe", "inherit"] }));
  t.after(() => others.forEach((other) => other.kill()));
  const answers = others.map(async (other) => JSON.parse(String(await once(createInterface(other.stdout), "line"))) as number[]);
  const all = [...(await freePorts(COUNT)), ...(await Promise.all(answers)).flat()];
  assert.equal(new Set(all).size, 4 * COUNT);
  assert.ok(all.every((port) => port > 20_000 && port < 32_000));
});

test("a port can be listened on, and nobody gets it again, whether or not anybody does", async () => {
  const port = await freePort();
  for (let i = 0; i < 2; i++) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    await new Promise((resolve) => server.close(resolve));
  }
  assert.ok(!(await freePorts(100)).includes(port));
});

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../cluster-lib.mjs";
import { freePort } from "../../packages/counterparts/dist/index.js";

const PROGRAM = new URL("./raft-member.mjs", import.meta.url);

/** Members of a new cluster, each a process: {id, call(name, argument), kill(), start()}. All of them vote. */
export async function startMembers({ folder, count, tls, more = {} }) {
  const members = [];
  for (let i = 1; i <= count; i++) members.push(await createMember({ folder, id: `n${i}`, tls, bootstrap: i === 1, more }));
  const [first] = members;
  for (const member of members) await member.start();
  await until("the first leads", 10_000, async () => (await first.call("status")).role === "leader");
  for (const member of members.slice(1)) await addMember(first, member);
  return members;
}

export async function addMember(leader, member) {
  const added = await leader.call("add", { id: member.id, address: member.listen, voter: true });
  if (!added.ok) throw new Error(`adding ${member.id}: ${added.reason}`);
}

export async function createMember({ folder, id, tls, bootstrap, more }) {
  const directory = join(folder, id);
  mkdirSync(directory, { recursive: true });
  const listen = `127.0.0.1:${await freePort()}`;
  let child;
  let calls = new Map();
  let nextCall = 1;
  return {
    id,
    listen,
    isRunning: () => child !== undefined,
    async start() {
      child = fork(PROGRAM, { env: { ...process.env, MEMBER: JSON.stringify({ id, directory, listen, tls, bootstrap, ...more }) } });
      const waiting = (calls = new Map());
      await once(child, "message");
      child.on("message", ({ call, value, failure }) => {
        const { resolve, reject } = waiting.get(call);
        waiting.delete(call);
        if (failure === undefined) resolve(value);
        else reject(new Error(failure));
      });
      child.on("exit", () => {
        for (const { reject } of waiting.values()) reject(new Error(`${id} ended`));
      });
    },
    call(name, argument) {
      const call = nextCall++;
      return new Promise((resolve, reject) => {
        calls.set(call, { resolve, reject });
        child.send({ call, name, argument }, (error) => error && reject(error));
      });
    },
    async kill() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      child = undefined;
      await gone;
    },
  };
}

export async function leaderOf(members) {
  return until("a leader", 20_000, async () => {
    for (const member of members.filter((one) => one.isRunning())) if ((await member.call("status")).role === "leader") return member;
    return undefined;
  });
}

export async function stopMembers(members) {
  await Promise.all(members.filter((member) => member.isRunning()).map((member) => member.kill()));
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@coffer/counterparts";
import type { RaftHost, RaftOptions, StateMachine } from "../host/api.js";
import { createRaftHost, runHost } from "../host/host.js";
import { openMemberLog } from "../host/opening.js";
import { settingsOf } from "../host/settings.js";
import type { DurableLog } from "../log/durable-log.js";
import { testCertificates } from "./certificates.js";
import { openLine } from "./line.js";
import type { Line } from "./line.js";
import { createMemoryMachine } from "./memory-machine.js";
import type { MemoryMachine } from "./memory-machine.js";

export interface Member {
  readonly id: string;
  /** Where the others reach it: its line, behind which it listens. */
  readonly address: string;
  readonly listen: string;
  readonly line: Line;
  readonly machine: MemoryMachine;
  host: RaftHost | undefined;
}

/** For a busy machine; nobody waits longer than it takes. */
const PATIENCE_MS = 60_000;

export async function until<T>(what: string, check: () => T | undefined | false | Promise<T | undefined | false>, timeoutMs = PATIENCE_MS): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

/** Members in one process, each with its own folder and port, over real mutual TLS. */
export async function createMembers(count: number, more: Partial<RaftOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "raft-host-"));
  const tls = await testCertificates();
  const members: Member[] = [];
  for (let i = 1; i <= count; i++) {
    const port = await freePort();
    const line = await openLine(port);
    members.push({ id: `n${i}`, address: `127.0.0.1:${line.port}`, listen: `127.0.0.1:${port}`, line, machine: createMemoryMachine(), host: undefined });
  }

  async function start(member: Member, how: { readonly bootstrap?: boolean; readonly alone?: true; readonly machine?: StateMachine; readonly wrapLog?: (log: DurableLog) => DurableLog; readonly onFatal?: (error: Error) => void } = {}): Promise<RaftHost> {
    const options = { id: member.id, directory: join(folder, member.id), transport: { listen: member.listen, advertise: member.address, tls, clusterId: "test" }, ...(how.bootstrap && { bootstrap: { address: member.address } }), ...(how.alone && { alone: true as const }), ...more };
    const [machine, logger] = [how.machine ?? member.machine, { log: () => undefined }];
    const host = how.wrapLog
      ? await runHost(settingsOf(options), how.wrapLog(await openMemberLog(join(options.directory, "log"), options, machine, logger)), machine, logger)
      : await createRaftHost(options, machine, logger);
    host.onFatal(how.onFatal ?? ((error) => assert.fail(error)));
    member.host = host;
    return host;
  }

  const running = () => members.filter((member) => member.host);
  /** A leader, unless the test has cut it off. */
  const leader = () => running().find(({ host }) => host!.status().role === "leader" && host!.status().commitIndex > 0);
  return {
    members,
    start,
    directoryOf: ({ id }: Member) => join(folder, id),
    leader: () => until("a leader", leader),
    async stop(member: Member) {
      await member.host!.stop();
      member.host = undefined;
    },
    /** Starts the first `size` members, all of them voters. */
    async form(size = count) {
      await start(members[0]!, { bootstrap: true });
      await until("the first leader", leader);
      for (const member of members.slice(1, size)) {
        await start(member);
        const added = await members[0]!.host!.addServer({ id: member.id, address: member.address, voter: true });
        assert.equal(added.ok, true, JSON.stringify(added));
      }
    },
    async close() {
      for (const { host } of running()) await host!.stop();
      for (const { line } of members) line.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

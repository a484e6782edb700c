// `npm run bench -- leases --stored N`: what a node with many leases takes to start, and its clients notice of a new leader, beside
// a second cluster in which there is nothing. Both are started by turns, so that what else the machine does hits both. First with a
// log of many entries and nothing else, then with the leases, which logins and one-time passwords made through the API.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../cluster-lib.mjs";
import { createCaller, latencies } from "./asking.mjs";
import { startCluster } from "./cluster.mjs";
import { memoryOf } from "./process.mjs";
import { percentile } from "./yardsticks.mjs";

const MS = 1000;
/** How often each kind of node is started. */
const STARTS = 7;
const MAKERS = 256;
const TELL_MS = 15 * MS;
/** A little less than what a log holds at most before it is cut. */
const LOG_ENTRIES = 17_000;
const LATER_MS = 60 * MS;
/** After a node became active. */
const FIRST_MS = 3 * MS;
const PATIENCE_MS = 60 * MS;
/** Leases that end while nobody leads. */
const ENDING = 20;
const LOOK_MS = 20;
/** As wide apart as the ports of a cluster. */
const PORTS = 100;
const ALLOWED = 1.2;
const ROLES = ["standby", "active"];

const median = (values) => percentile([...values].sort((a, b) => a - b), 0.5);
const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

export function parts({ cluster, folder, port, recorder: { record }, stored }) {
  let empty;

  async function begin() {
    mkdirSync(join(folder, "empty"));
    empty = await startCluster({ folder: join(folder, "empty"), port: port + PORTS, nodes: cluster.nodes.length });
    for (const each of [empty, cluster]) await setUp(each);
  }

  return {
    async "a log of many entries"() {
      await begin();
      await make(LOG_ENTRIES, "writes", () => [(call, i) => call("POST", `secret/data/bench/log-${i % 100}`, { data: { username: `user-${i}`, password: "correct horse battery staple" } })]);
      await compare(`a log of ${LOG_ENTRIES} entries`);
    },
    async "many leases"() {
      try {
        await make(stored, "leases", logins);
        await compare(`${stored} leases`);
        const [first, filled] = [await changeLeader(empty), await changeLeader(cluster)];
        for (const [name, value] of Object.entries(filled)) record(`${name}, ${stored} leases`, value, "ms", { yardstick: { name: "the same, empty", values: [first[name]] } });
      } finally {
        await empty?.stop();
      }
    },
  };

  /** `count` requests of several kinds by turns. */
  async function make(count, what, kinds) {
    const { active } = await cluster.roles();
    const caller = createCaller(cluster.token);
    const call = (method, path, body) => caller.call(active, method, path, body);
    const makers = await kinds(call);
    const since = performance.now();
    let next = 0;
    const tell = setInterval(() => {
      const rate = next / ((performance.now() - since) / MS);
      console.log(`  ${next} of ${count} ${what}, ${Math.round(rate)} a second, ${Math.ceil((count - next) / rate)} s left`);
    }, TELL_MS);
    try {
      await Promise.all(Array.from({ length: MAKERS }, async () => {
        for (let i = next++; i < count; i = next++) await makers[i % makers.length](call, i);
      }));
    } finally {
      clearInterval(tell);
      caller.close();
    }
  }

  async function compare(what) {
    const starts = { standby: { empty: [], filled: [] }, active: { empty: [], filled: [] } };
    for (let turn = 0; turn < STARTS; turn++) {
      for (const role of ROLES) {
        for (const [which, each] of [["empty", empty], ["filled", cluster]]) starts[role][which].push(await each.restart((await each.roles())[role]));
      }
    }
    for (const role of ROLES) {
      const figure = (name, member, unit) => {
        const [values, yardstick] = [starts[role].filled, starts[role].empty].map((all) => all.map((one) => one[member]).sort((a, b) => a - b));
        record(`${name}, ${what}`, median(values), unit, { yardstick: { name: "the same, empty", values: [median(yardstick)] }, most: ALLOWED });
        console.log(`    from ${Math.round(values[0])} to ${Math.round(values.at(-1))}, empty from ${Math.round(yardstick[0])} to ${Math.round(yardstick.at(-1))}`);
      };
      figure(`start of what was the ${role} node, from spawn to answering unsealed`, "milliseconds", "ms");
      figure("processor time until then", "processorMs", "ms");
      figure("memory then", "resident", "MB");
      figure("of it no page of a file", "anonymous", "MB");
    }
    await pause(LATER_MS);
    const [now, before] = await Promise.all([cluster.roles(), empty.roles()]);
    for (const role of ROLES) {
      const [filled, yardstick] = [memoryOf(now[role].pid), memoryOf(before[role].pid)];
      const figure = (name, member) => record(`${name}, ${what}`, filled[member], "MB", { yardstick: { name: "the same, empty", values: [yardstick[member]] }, most: ALLOWED });
      figure(`memory of the ${role} node a minute later`, "resident");
      figure("of it no page of a file", "anonymous");
    }
  }
}

/** A login of an application, and a secret whose lease writes storage only: tokens and leases with months to live. */
async function logins(call) {
  await call("POST", "sys/auth/approle", { type: "approle" });
  await call("POST", "auth/approle/role/app", { token_policies: ["default"], token_ttl: "768h" });
  const { data: { role_id } } = await call("GET", "auth/approle/role/app/role-id");
  const { data: { secret_id } } = await call("POST", "auth/approle/role/app/secret-id", {});
  await call("POST", "sys/mounts/otp", { type: "ssh", config: { default_lease_ttl: "768h" } });
  await call("POST", "otp/roles/otp", { key_type: "otp", default_user: "root", cidr_list: "10.0.0.0/8" });
  return [(ask) => ask("POST", "auth/approle/login", { role_id, secret_id }), (ask) => ask("POST", "otp/creds/otp", { ip: "10.1.2.3" })];
}

async function setUp(each) {
  await each.api("POST", "auth/token/roles/ending", { path_suffix: "ending" });
  await each.api("POST", "secret/data/bench/read", { data: { username: "app" } });
}

/** Kills the leader. What clients notice of the next one in its first seconds, and how long it leaves what is due. Milliseconds. */
async function changeLeader(each) {
  const { active } = await each.roles();
  const caller = createCaller(each.token);
  await Promise.all(Array.from({ length: ENDING }, () => caller.call(active, "POST", "auth/token/create/ending", { ttl: "1s" })));
  const due = performance.now() + MS;
  await each.kill(active, "SIGKILL");
  const next = await each.nextActive(active);
  const since = performance.now();
  const isOver = (end) => () => performance.now() > end;
  const read = () => caller.call(next, "GET", "secret/data/bench/read");
  const write = (i) => caller.call(next, "POST", `secret/data/bench/written-${i % 100}`, { data: { i } });
  const left = async () => (await caller.call(next, "LIST", "sys/leases/lookup/auth/token/create/ending")).data?.keys.length ?? 0;
  const gone = until("what ended is gone", PATIENCE_MS, async () => (await left()) === 0, LOOK_MS).then(() => performance.now() - Math.max(due, since));
  const [reads, writes] = await Promise.all([latencies(isOver(since + FIRST_MS), read), latencies(isOver(since + FIRST_MS), write)]);
  const taken = await gone;
  await each.start(active);
  caller.close();
  return {
    "from a new leader until it has revoked what ended before": taken,
    "p50 of a read in its first three seconds": percentile(reads, 0.5),
    "p99 of a read": percentile(reads, 0.99),
    "p50 of a write": percentile(writes, 0.5),
    "p99 of a write": percentile(writes, 0.99),
  };
}

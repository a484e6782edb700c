// `npm run bench -- leases`: what clients of three nodes notice while many leases end within one second, over HTTP and with every
// node's log synced. They ask one after another with a pause, so that what they wait for is the leases and not one another.
import { until } from "../cluster-lib.mjs";
import { createCaller, latencies } from "./asking.mjs";
import { percentile } from "./yardsticks.mjs";

const MS = 1000;
const MAKERS = 32;
/** Until the code has been compiled. */
const WARM_UP_MS = 4 * MS;
const PATIENCE_MS = 300 * MS;
/** More than it takes to make them all: what is not there when they end is not measured. */
const MADE_A_SECOND = 250;

/** What ends: a token, and a secret whose revocation writes storage only. How to make one that ends in so many seconds, and where they are listed. */
const KINDS = {
  tokens: {
    list: "sys/leases/lookup/auth/token/create",
    make: (call, ttl) => call("POST", "auth/token/create", { policies: ["default"], ttl: `${ttl}s` }),
  },
  "one-time passwords": {
    list: "sys/leases/lookup/otp/creds/otp",
    async setUp(call) {
      await call("POST", "sys/mounts/otp", { type: "ssh" });
      await call("POST", "otp/roles/otp", { key_type: "otp", default_user: "root", cidr_list: "10.0.0.0/8" });
    },
    // Their time is the mount's.
    everySecond: (call, ttl) => call("POST", "sys/mounts/otp/tune", { default_lease_ttl: `${ttl}s` }),
    make: (call) => call("POST", "otp/creds/otp", { ip: "10.1.2.3" }),
  },
};

export function parts({ cluster, recorder: { record }, seconds, leases }) {
  return Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, () => measure(name, kind)]));

  async function measure(name, kind) {
    const { active, standby } = await cluster.roles();
    const caller = createCaller(cluster.token);
    const call = (method, path, body, node = active) => caller.call(node, method, path, body);
    await kind.setUp?.(call);
    await call("POST", "secret/data/bench/leases", { data: { username: "app" } });
    const end = await makeAll(kind, call);
    let isOver = false;
    const ask = () => Promise.all([
      latencies(() => isOver, () => call("GET", "secret/data/bench/leases")),
      latencies(() => isOver, (i) => call("POST", `secret/data/bench/written-${i % 100}`, { data: { i } })),
    ]);
    const during = async (what) => {
      isOver = false;
      const asked = ask();
      const took = await what().finally(() => (isOver = true));
      return { took, figures: await asked };
    };
    const untilTime = (time) => new Promise((wake) => setTimeout(wake, Math.max(0, time - Date.now())));
    await during(() => untilTime(Date.now() + WARM_UP_MS));
    const quiet = await during(() => untilTime(end - MS));
    const left = async () => (await call("LIST", kind.list, undefined, standby ?? active)).data?.keys.length ?? 0;
    const begin = await left();
    await untilTime(end);
    // Asked of a standby: a long list must not be what the others wait for.
    const busy = await during(() => until(`all ${name} are gone`, PATIENCE_MS, async () => (await new Promise((wake) => setTimeout(wake, MS / 2)), await left()) === 0));
    caller.close();
    record(`${begin} ${name} that end within a second: all revoked after`, (Date.now() - end) / MS, "s");
    for (const [i, kindOf] of ["reads", "writes"].entries()) {
      for (const part of [0.5, 0.99]) {
        const of = (taken) => percentile(taken, part);
        record(`${kindOf} meanwhile, p${part * 100}`, of(busy.figures[i]), "ms", { yardstick: { name: "the same before", values: [of(quiet.figures[i])] } });
      }
    }
  }

  /** All of them end within the second before what is returned. */
  async function makeAll({ make, everySecond }, call) {
    const end = Math.ceil(Date.now() / MS + leases / MADE_A_SECOND + (WARM_UP_MS / MS) + seconds) * MS;
    const ttl = () => Math.floor((end - Date.now()) / MS);
    let made = 0;
    let told;
    let telling;
    const tell = async () => {
      const now = ttl();
      if (everySecond && told !== now) telling = (told = now, everySecond(call, now));
      await telling;
    };
    await Promise.all(Array.from({ length: MAKERS }, async () => {
      while (made++ < leases) {
        await tell();
        await make(call, ttl());
      }
    }));
    if (end - Date.now() < WARM_UP_MS + seconds * MS) throw new Error("making the leases took longer than they live");
    return end;
  }
}

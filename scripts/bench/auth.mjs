// `npm run bench -- auth`: logins a second on three nodes. One by AppRole is a write like any other, so its yardstick is the
// database's; one by userpass is bcrypt, which all cores together do only so often.
import { hash, verify } from "@node-rs/bcrypt";
import { load } from "./load.mjs";
import { levelBatches } from "./yardsticks.mjs";

const LEVEL_SECONDS = 3;
const BCRYPT_SECONDS = 3;
/** As userpass hashes. */
const BCRYPT_COST = 10;
/** Threads of libuv's pool, which is what a node has. */
const BCRYPT_AT_ONCE = 4;
/** More would wait for one another for longer than the load lasts. */
const USERPASS_AT_ONCE = 8;

export function parts({ cluster, folder, recorder: { record, noise }, seconds, connections, manyConnections }) {
  const call = async (method, path, body) => {
    const { status, body: answer } = await cluster.api(method, path, body);
    if (status >= 300) throw new Error(`${path}: status ${status} ${JSON.stringify(answer)}`);
    return answer?.data;
  };

  async function logins(path, body, atOnce) {
    const { active } = await cluster.roles();
    return load({ url: `${active.address}/v1/${path}`, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), seconds, connections: atOnce });
  }

  async function byRole(name, settings, { target } = {}) {
    await call("POST", `auth/approle/role/${name}`, { token_policies: ["app"], token_ttl: "1h", ...settings });
    const { role_id } = await call("GET", `auth/approle/role/${name}/role-id`);
    const { secret_id } = await call("POST", `auth/approle/role/${name}/secret-id`, {});
    const before = await levelBatches(folder, LEVEL_SECONDS);
    const results = [];
    for (const atOnce of [connections, manyConnections]) results.push({ atOnce, ...(await logins("auth/approle/login", { role_id, secret_id }, atOnce)) });
    const yardstick = { name: "one synchronous LevelDB batch after another", values: [before, await levelBatches(folder, LEVEL_SECONDS)] };
    for (const { atOnce, rate, p99 } of results) {
      record(`AppRole logins, three nodes, ${name} tokens, ${atOnce} at a time`, rate, "/s", { yardstick, target });
      record(`p99 of it, ${atOnce} at a time`, p99, "ms");
    }
    noise(yardstick);
  }

  return {
    async approle() {
      await call("POST", "sys/auth/approle", { type: "approle" });
      await byRole("service", {}, { target: 0.8 });
      await byRole("batch", { token_type: "batch" });
    },
    async userpass() {
      const password = "correct horse battery staple";
      await call("POST", "sys/auth/userpass", { type: "userpass" });
      await call("POST", "auth/userpass/users/alice", { password, token_policies: ["app"] });
      const before = await bcryptRate(password);
      const { rate, p99 } = await logins("auth/userpass/login/alice", { password }, USERPASS_AT_ONCE);
      const yardstick = { name: `bcrypt of cost ${BCRYPT_COST}, ${BCRYPT_AT_ONCE} at once`, values: [before, await bcryptRate(password)] };
      record("userpass logins, three nodes", rate, "/s", { yardstick });
      record(`p99 of it, ${USERPASS_AT_ONCE} at a time`, p99, "ms");
      noise(yardstick);
    },
  };
}

async function bcryptRate(password) {
  const stored = await hash(password, { cost: BCRYPT_COST });
  const begin = performance.now();
  const end = begin + BCRYPT_SECONDS * 1000;
  let count = 0;
  async function worker() {
    for (; performance.now() < end; count++) await verify(password, stored);
  }
  await Promise.all(Array.from({ length: BCRYPT_AT_ONCE }, worker));
  return count / ((performance.now() - begin) / 1000);
}

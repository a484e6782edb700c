/** Logins at any node are logins at one server: who may, how often, and from where is the same wherever they come in. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says what it expects by asserting it
  readonly body: any;
}

/** All of 127.0.0.0/8 is this machine: a request may come from any of it. */
function send(node: NodeProcess, method: "GET" | "POST", path: string, body?: object, { token, from = "127.0.0.1" }: { readonly token?: string; readonly from?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${node.address}/v1/${path}`, { method, localAddress: from, headers: token === undefined ? {} : { "x-vault-token": token } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part)).on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode!, body: parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString()) }));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}

const asRoot = async (method: "GET" | "POST", path: string, body?: object): Promise<Answer["body"]> => {
  const { status, body: answer } = await send(await cluster.active(), method, path, body, { token: cluster.rootToken });
  assert.ok(status < 300, JSON.stringify(answer));
  return answer?.data;
};

test("a secret id is used up by logins at all nodes together", async () => {
  await asRoot("POST", "sys/auth/approle", { type: "approle" });
  await asRoot("POST", "auth/approle/role/app", { token_policies: "app" });
  const { role_id } = await asRoot("GET", "auth/approle/role/app/role-id");
  const { secret_id } = await asRoot("POST", "auth/approle/role/app/secret-id", { num_uses: 4 });
  const login = (node: NodeProcess) => send(node, "POST", "auth/approle/login", { role_id, secret_id });
  for (const node of cluster.nodes) assert.equal((await login(node)).status, 200);
  // At once, and one of them is left.
  const last = await Promise.all(cluster.nodes.map(login));
  assert.deepEqual(last.map(({ status }) => status).sort(), [200, 400, 400]);
});

test("failures are counted wherever they are, and lock everywhere", async () => {
  await asRoot("POST", "sys/auth/userpass", { type: "userpass" });
  await asRoot("POST", "sys/auth/userpass/tune", { user_lockout_config: { lockout_threshold: "3" } });
  await asRoot("POST", "auth/userpass/users/ann", { password: "right" });
  const login = (node: NodeProcess, password: string) => send(node, "POST", "auth/userpass/login/ann", { password });
  for (const node of cluster.nodes) assert.equal((await login(node, "wrong")).status, 400);
  for (const node of cluster.nodes) assert.equal((await login(node, "right")).status, 403);
  const [mount] = (await asRoot("GET", "sys/locked-users")).by_namespace[0].mount_accessors;
  assert.deepEqual(mount.alias_identifiers, ["ann"]);
  await asRoot("POST", `sys/locked-users/${mount.mount_accessor}/unlock/ann`);
  for (const node of cluster.nodes) assert.equal((await login(node, "right")).status, 200);
});

test("networks bind logins and their tokens at every node, by the address of who asks", async () => {
  await asRoot("POST", "auth/userpass/users/bound", { password: "right", token_bound_cidrs: "127.0.0.1/32" });
  for (const node of cluster.nodes) {
    const login = (from: string) => send(node, "POST", "auth/userpass/login/bound", { password: "right" }, { from });
    assert.equal((await login("127.0.0.2")).status, 403);
    const { status, body } = await login("127.0.0.1");
    assert.equal(status, 200);
    const token = body.auth.client_token as string;
    for (const other of cluster.nodes) {
      assert.equal((await send(other, "GET", "auth/token/lookup-self", undefined, { token })).status, 200);
      assert.equal((await send(other, "GET", "auth/token/lookup-self", undefined, { token, from: "127.0.0.2" })).status, 403);
    }
  }
});

test("a token for so many uses has so many at all nodes together", async () => {
  await asRoot("POST", "auth/userpass/users/counted", { password: "right", token_num_uses: 3 });
  const [first, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
  const { body } = await send(first, "POST", "auth/userpass/login/counted", { password: "right" });
  const use = async (node: NodeProcess) => (await send(node, "GET", "auth/token/lookup-self", undefined, { token: body.auth.client_token })).status;
  assert.deepEqual([await use(first), await use(second), await use(third), await use(first), await use(second)], [200, 200, 200, 403, 403]);
});

test("a quota on logins bounds them, and not what else there is", async () => {
  await asRoot("POST", "sys/quotas/rate-limit/logins", { path: "auth/userpass", rate: 1, interval: "1h" });
  const node = await cluster.active();
  const login = async () => (await send(node, "POST", "auth/userpass/login/ann", { password: "right" })).status;
  assert.deepEqual([await login(), await login()], [200, 429]);
  assert.equal((await send(node, "GET", "sys/quotas/rate-limit/logins", undefined, { token: cluster.rootToken })).status, 200);
});

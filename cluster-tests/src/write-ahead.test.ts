/** What a request has made at AWS when its node is killed is found and removed by the node that comes after it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { motoProgram, startMoto, xmlTexts } from "@coffer/counterparts";
import type { Moto } from "@coffer/counterparts";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import { startHoldingProxy } from "./harness/holding-proxy.js";
import type { HoldingProxy } from "./harness/holding-proxy.js";
import { until } from "./harness/until.js";

const options = { skip: motoProgram() === undefined && "moto is not installed" };
const PAUSE_MS = 60_000;
const POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}';
let moto: Moto;
let proxy: HoldingProxy;
let cluster: TestCluster;

before(async () => {
  if (options.skip) return;
  moto = await startMoto();
  proxy = await startHoldingProxy(moto.endpoint);
  cluster = await startCluster({ nodes: 1 });
  const client = cluster.client(cluster.nodes[0]!);
  await client.request("POST", "sys/mounts/aws", { body: { type: "aws" } });
  await client.request("POST", "aws/config/root", { body: { access_key: "AKIAROOT", secret_key: "root", region: "us-east-1", iam_endpoint: proxy.endpoint, sts_endpoint: proxy.endpoint, max_retries: 0 } });
  await client.request("POST", "aws/roles/viewer", { body: { credential_type: "iam_user", policy_document: POLICY } });
});
after(async () => {
  await cluster?.stop();
  await proxy?.stop();
  await moto?.stop();
});

/** Past the proxy, as an administrator of the account would look. */
const users = async () => xmlTexts(await moto.ask("iam", "ListUsers"), "UserName");
const keys = async (UserName: string) => xmlTexts(await moto.ask("iam", "ListAccessKeys", { UserName }), "AccessKeyId");

for (const action of ["CreateUser", "CreateAccessKey"] as const) {
  test(`a node that is killed once AWS has done ${action} leaves no user behind`, options, async () => {
    const node = cluster.nodes[0]!;
    const committed = await cluster.client(node).request<{ access_key: string }>("GET", "aws/creds/viewer");
    const known = await users();
    const answered = proxy.holdAnswerTo(`Action=${action}`);
    const asked = cluster.client(node).request("GET", "aws/creds/viewer").then(() => "credentials", () => "no answer");
    await answered;
    assert.equal(await node.end("SIGKILL"), "SIGKILL");
    assert.equal(await asked, "no answer");
    const stray = (await users()).filter((name) => !known.includes(name));
    assert.equal(stray.length, 1, "AWS has the user that nobody was told of");
    assert.equal((await keys(stray[0]!)).length, action === "CreateUser" ? 0 : 1);

    await cluster.revive(node);
    // Other nodes may still be at work on what is young: it is taken for abandoned after ten minutes.
    assert.equal((await users()).length, known.length + 1);
    node.signal("SIGURG");
    await until("the stray user is removed", PAUSE_MS, async () => !(await users()).includes(stray[0]!));
    assert.deepEqual((await users()).sort(), [...known].sort(), "users with a lease stay");
    const owners = await Promise.all(known.map(keys));
    assert.ok(owners.flat().includes(committed.data.access_key));
    // By its true clock again.
    await node.end("SIGTERM");
    await cluster.revive(node);
  });
}

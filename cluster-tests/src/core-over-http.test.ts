import assert from "node:assert/strict";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { TOTP, URI } from "otpauth";
import { startCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

const PATIENCE_MS = 60_000;
const GUIDE_POLICY = 'path "sys/generate-root/*" {\n  capabilities = ["update"]\n  mfa_methods = ["totp_platform_admin"]\n}\n';

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of many shapes
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("what operators need of the core, over HTTP from a real process", async (t) => {
  const cluster = await startCluster({ nodes: 1, extra: 'log_level = "debug"' });
  t.after(() => cluster.stop());
  const [node] = cluster.nodes;
  assert.ok(node);
  async function ask(method: string, path: string, body?: unknown, { token = cluster.rootToken, headers = {} }: { readonly token?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Reply> {
    const reply = await fetch(`${node!.address}/v1/${path}`, { method, headers: { ...(token !== "" && { "x-vault-token": token }), ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await reply.text();
    return { status: reply.status, text, body: bodyOf(text) };
  }
  const done = async (...asked: Parameters<typeof ask>): Promise<Reply> => {
    const reply = await ask(...asked);
    assert.ok(reply.status < 300, `${asked[0]} ${asked[1]}: ${reply.status} ${reply.text}`);
    return reply;
  };
  await done("POST", "sys/auth/userpass", { type: "userpass" });
  await done("POST", "sys/policies/acl/platform-admin", { policy: GUIDE_POLICY });
  await done("POST", "auth/userpass/users/alice", { password: "wonderland", token_policies: "platform-admin" });
  const login = (password: string) => ask("POST", "auth/userpass/login/alice", { password }, { token: "" });

  await t.test("generate-root takes a code of totp_platform_admin, each once, and then gives a root token", async () => {
    const { client_token: token, entity_id } = (await login("wonderland")).body.auth as { client_token: string; entity_id: string };
    await done("POST", "sys/mfa/method/totp/totp_platform_admin", { issuer: "Coffer", period: 30 });
    const { url } = (await done("POST", "sys/mfa/method/totp/totp_platform_admin/admin-generate", { entity_id })).body.data as { url: string };
    const authenticator = URI.parse(url);
    assert.ok(authenticator instanceof TOTP);
    const seen = new Set<string>();
    /** One that was not used, of the next time step where there is none of this one. */
    const code = () => until("another code", PATIENCE_MS, () => {
      const next = authenticator.generate();
      return seen.has(next) ? false : (seen.add(next), next);
    });
    const attempt = (body: object, mfa?: string) => ask("PUT", "sys/generate-root/attempt", body, { token, headers: mfa === undefined ? {} : { "x-vault-mfa": `totp_platform_admin:${mfa}` } });
    assert.equal((await attempt({})).status, 403, "no code");
    const good = await code();
    const wrong = String((Number(good) + 500_000) % 1_000_000).padStart(6, "0");
    assert.equal((await attempt({}, wrong)).status, 403, "a wrong code");
    const begun = await attempt({}, good);
    assert.equal(begun.status, 200, begun.text);
    assert.equal((await attempt({}, good)).status, 403, "the same code again");
    const { nonce, otp } = begun.body as { nonce: string; otp: string };
    let last = begun;
    for (const key of cluster.keys.slice(0, 2)) last = await done("PUT", "sys/generate-root/update", { key, nonce }, { token: "" });
    assert.equal(last.body.complete, true, last.text);
    const sealed = Buffer.from(last.body.encoded_token as string, "base64");
    const root = Buffer.from(sealed.map((byte, i) => byte ^ otp.charCodeAt(i))).toString();
    assert.deepEqual((await done("GET", "auth/token/lookup-self", undefined, { token: root })).body.data.policies, ["root"]);
  });

  await t.test("five wrong passwords lock a user, who is listed and let free", async () => {
    const { accessor } = (await done("GET", "sys/auth/userpass")).body.data as { accessor: string };
    for (let i = 0; i < 5; i++) assert.equal((await login("wrong")).status, 400);
    assert.equal((await login("wonderland")).status, 403);
    const { total, by_namespace: [found] } = (await done("GET", "sys/locked-users")).body.data;
    assert.deepEqual([total, found.mount_accessors], [1, [{ mount_accessor: accessor, counts: 1, alias_identifiers: ["alice"] }]]);
    await done("POST", `sys/locked-users/${accessor}/unlock/alice`);
    assert.equal((await login("wonderland")).status, 200);
    assert.equal((await done("GET", "sys/locked-users")).body.data.total, 0);
  });

  await t.test("profiles tell of the process, and nobody without sudo", async () => {
    const heap = (await done("GET", "sys/pprof/heap?debug=1")).text;
    assert.match(heap, /^\d+ @ \(V8 old_space\)$/m);
    const { nodes, samples } = (await done("GET", "sys/pprof/profile?seconds=1&format=cpuprofile")).body as { nodes: object[]; samples: number[] };
    assert.ok(nodes.length > 0 && samples.length > 0);
    for (const name of ["profile", "allocs"]) {
      const reply = await fetch(`${node!.address}/v1/sys/pprof/${name}?seconds=1`, { headers: { "x-vault-token": cluster.rootToken } });
      const profile = gunzipSync(await reply.arrayBuffer());
      assert.ok(profile.includes("nanoseconds") || profile.includes("alloc_space"), name);
      assert.ok(!profile.includes(cluster.rootToken), name);
    }
    const line = (await done("GET", "sys/pprof/cmdline")).text.split("\0");
    assert.deepEqual(line.slice(line.indexOf("server")).map((argument) => argument.replace(/=.*/, "=…")), ["server", "-config=…"]);
    assert.ok("traceEvents" in ((await done("GET", "sys/pprof/trace?seconds=1")).body as object));
    const { client_token: token } = (await login("wonderland")).body.auth as { client_token: string };
    assert.equal((await ask("GET", "sys/pprof/heap", undefined, { token })).status, 403);
  });

  await t.test("monitor streams what the node logs from then on", async () => {
    const ended = new AbortController();
    t.after(() => ended.abort());
    // Answered before there is anything to tell.
    const stream = await fetch(`${node.address}/v1/sys/monitor?log_level=debug`, { headers: { "x-vault-token": cluster.rootToken }, signal: AbortSignal.any([ended.signal, AbortSignal.timeout(PATIENCE_MS)]) });
    assert.equal(stream.status, 200);
    let text = "";
    const reading = (async () => {
      for await (const bytes of stream.body!) text += Buffer.from(bytes as Uint8Array).toString();
    })().catch(() => {});
    // A SIGHUP is said in the log.
    await until("a line", PATIENCE_MS, () => {
      node.signal("SIGHUP");
      return text.includes("\n");
    });
    assert.match(text, /^\d{4}-\d\d-\d\dT[\d:.]+\S* \[[A-Z]+\]/m);
    assert.ok(!text.includes(cluster.rootToken));
    ended.abort();
    await reading;
  });
});

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import type { TestContext } from "node:test";
import { main } from "../main.js";

const home = mkdtempSync(join(tmpdir(), "coffer-login-"));
after(() => rmSync(home, { recursive: true }));

interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: unknown;
}

type Answers = (asked: Asked) => readonly [status: number, body: unknown];

async function serverWith(t: TestContext, answers: Answers): Promise<{ readonly address: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const read = async (request: IncomingMessage) => {
    let text = "";
    for await (const part of request) text += String(part);
    return text;
  };
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      const { pathname, searchParams } = new URL(request.url!, "http://x");
      const one = { path: `${request.method} ${pathname}`, query: Object.fromEntries(searchParams), body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>), token: request.headers["x-vault-token"] };
      asked.push(one);
      const [status, body] = answers(one);
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Runs `coffer login`; `onUrl` is the user, who sees the URL. */
async function login(words: readonly string[], env: Readonly<Record<string, string>>, onUrl?: (url: URL) => void) {
  let [stdout, stderr] = ["", ""];
  const exitCode = await main(["login", ...words], {
    stdout: { write: (text) => (stdout += String(text)) },
    stderr: {
      write: (text) => {
        stderr += String(text);
        const url = /^ {4}(http\S+)$/m.exec(String(text))?.[1];
        if (url !== undefined) onUrl?.(new URL(url));
        return true;
      },
    },
    stdin: Readable.from([""]),
    env: { HOME: home, ...env },
  });
  return { stdout, stderr, exitCode };
}

const AUTH = { request_id: "r", auth: { client_token: "s.new", accessor: "a", policies: ["default"], token_policies: ["default"], metadata: { role: "dev" }, lease_duration: 60, renewable: true } };
const OIDC = ["-method=oidc", "port=0", "listenaddress=127.0.0.1", "skip_browser=true"];

/** A server whose URL carries the redirect URI, so that the user knows where a provider would send the browser. */
const withUrl = (end: readonly [number, unknown]): Answers => ({ path, body }) => (path.endsWith("auth_url") ? [200, { request_id: "r", data: { auth_url: `https://op.example/auth?state=st_1&redirect_uri=${encodeURIComponent(String(body["redirect_uri"]))}` } }] : end);

function comeBack(query: string): { readonly onUrl: (url: URL) => void; readonly answer: Promise<Response> } {
  let resolve: (answer: Promise<Response>) => void;
  const answer = new Promise<Response>((done) => (resolve = done));
  return { answer, onUrl: (url) => resolve(fetch(`${url.searchParams.get("redirect_uri")!.replace("localhost", "127.0.0.1")}?${query}`)) };
}

test("oidc: the browser's code goes to the server with the nonce of the beginning, and the token is kept", async (t) => {
  const { address, asked } = await serverWith(t, withUrl([200, AUTH]));
  const { onUrl, answer } = comeBack("code=c1&state=st_1");
  const done = await login([...OIDC, "role=dev", "mount=corp"], { VAULT_ADDR: address }, onUrl);
  assert.equal(done.exitCode, 0, done.stderr);
  const page = await answer;
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Signed in/);
  const [begun, ended] = asked as [Asked, Asked];
  assert.deepEqual([begun.path, begun.body["role"]], ["PUT /v1/auth/corp/oidc/auth_url", "dev"]);
  assert.match(String(begun.body["redirect_uri"]), /^http:\/\/localhost:\d+\/oidc\/callback$/);
  assert.deepEqual([ended.path, ended.query], ["GET /v1/auth/corp/oidc/callback", { state: "st_1", code: "c1", client_nonce: begun.body["client_nonce"] }]);
  assert.ok(String(begun.body["client_nonce"]).length >= 20);
  assert.match(done.stderr, /Waiting for OIDC authentication to complete/);
  assert.equal(readFileSync(join(home, ".vault-token"), "utf8"), "s.new");
});

/** As a browser does what a provider's page of form_post tells it to. */
function postBack(body: string, type = "application/x-www-form-urlencoded"): { readonly onUrl: (url: URL) => void; readonly answer: Promise<Response> } {
  let resolve: (answer: Promise<Response>) => void;
  const answer = new Promise<Response>((done) => (resolve = done));
  return { answer, onUrl: (url) => resolve(fetch(url.searchParams.get("redirect_uri")!.replace("localhost", "127.0.0.1"), { method: "POST", headers: { "content-type": type }, body })) };
}

test("oidc: what the provider has the browser post goes to the server, which then is asked without it", async (t) => {
  const { address, asked } = await serverWith(t, withUrl([200, AUTH]));
  const { onUrl, answer } = postBack("code=c1&state=st_1&id_token=a.b.c");
  const done = await login([...OIDC, "role=dev"], { VAULT_ADDR: address }, onUrl);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(await (await answer).text(), /Signed in/);
  const [begun, posted, ended] = asked as [Asked, Asked, Asked];
  assert.deepEqual([posted.path, posted.body], ["PUT /v1/auth/oidc/oidc/callback", { state: "st_1", code: "c1", id_token: "a.b.c" }]);
  assert.deepEqual([ended.path, ended.query], ["GET /v1/auth/oidc/oidc/callback", { state: "st_1", code: "no_code", client_nonce: begun.body["client_nonce"] }]);
});

test("oidc: an error that is posted ends the login; what is no form, or too large for one, never reaches the server", async (t) => {
  const { address, asked } = await serverWith(t, withUrl([400, { errors: ["Vault login failed. access_denied"] }]));
  const refused = await login(OIDC, { VAULT_ADDR: address }, postBack("error=access_denied&state=st_1").onUrl);
  assert.match(refused.stderr, /access_denied/);
  assert.deepEqual(asked.map(({ path }) => path), ["PUT /v1/auth/oidc/oidc/auth_url", "GET /v1/auth/oidc/oidc/callback"]);
  const odd = [postBack('{"code":"c1"}', "application/json"), postBack(`state=st_1&code=${"x".repeat(70_000)}`)];
  for (const { onUrl, answer } of odd) {
    assert.match((await login(OIDC, { VAULT_ADDR: address }, onUrl)).stderr, /had the browser post/);
    assert.equal((await answer.catch(() => undefined))?.status ?? 400, 400);
  }
  assert.equal(asked.length, 4);
});

test("oidc: what the server refuses is told in the terminal, and not in the browser", async (t) => {
  const { address } = await serverWith(t, withUrl([400, { errors: ["Vault login failed. access_denied"] }]));
  const { onUrl, answer } = comeBack("error=access_denied&state=st_1&error_description=%3Cscript%3E");
  const done = await login(OIDC, { VAULT_ADDR: address }, onUrl);
  assert.equal(done.exitCode, 2);
  assert.match(done.stderr, /Error authenticating: [^]*Vault login failed\. access_denied/);
  const page = await answer;
  assert.equal(page.status, 400);
  assert.doesNotMatch(await page.text(), /script/);
});

test("oidc: callback host and port are the redirect URI's; a role that may not, a bad port and a bad URL end the login", async (t) => {
  const { address, asked } = await serverWith(t, () => [200, { request_id: "r", data: { auth_url: "" } }]);
  const done = await login([...OIDC, "callbackhost=vpn.example", "callbackport=443", "callbackmethod=https", "role=dev"], { VAULT_ADDR: address });
  assert.equal(asked[0]!.body["redirect_uri"], "https://vpn.example:443/oidc/callback");
  assert.match(done.stderr, /Unable to authorize role "dev" with redirect_uri "https:\/\/vpn\.example:443\/oidc\/callback"/);
  for (const word of ["port=x", "port=70000", "skip_browser=perhaps"]) assert.equal((await login([...OIDC, word], { VAULT_ADDR: address })).exitCode, 2);
  assert.equal(asked.length, 1);
  const odd = await serverWith(t, () => [200, { request_id: "r", data: { auth_url: "file:///etc/passwd" } }]);
  assert.match((await login(OIDC, { VAULT_ADDR: odd.address })).stderr, /no web address/);
});

test("github: the token is given, or taken from the environment; without one a script is told so", async (t) => {
  const { address, asked } = await serverWith(t, () => [200, AUTH]);
  assert.equal((await login(["-method=github", "token=ghp_1"], { VAULT_ADDR: address })).exitCode, 0);
  assert.equal((await login(["-method=github", "-path=corp"], { VAULT_ADDR: address, VAULT_AUTH_GITHUB_TOKEN: "ghp_2" })).exitCode, 0);
  assert.deepEqual(asked.map(({ path, body }) => [path, body]), [["PUT /v1/auth/github/login", { token: "ghp_1" }], ["PUT /v1/auth/corp/login", { token: "ghp_2" }]]);
  const done = await login(["-method=github", "-non-interactive"], { VAULT_ADDR: address });
  assert.deepEqual([done.exitCode, asked.length], [2, 2]);
});

test("oidc: with callbackmode=device the user is told a code, and the server is asked until they are done", async (t) => {
  const answers: [number, unknown][] = [[400, { errors: ["authorization_pending"] }], [200, AUTH]];
  const { address, asked } = await serverWith(t, ({ path }) =>
    path.endsWith("auth_url") ? [200, { request_id: "r", data: { auth_url: "https://op.example/device", user_code: "ABCD-1234", state: "st_1", poll_interval: "1" } }] : answers.shift()!,
  );
  const done = await login(["-method=oidc", "callbackmode=device", "skip_browser=true", "role=dev"], { VAULT_ADDR: address });
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(done.stderr, /https:\/\/op\.example\/device[^]*When prompted, enter code ABCD-1234/);
  const [begun, first, second] = asked as [Asked, Asked, Asked];
  assert.equal(begun.body["redirect_uri"], "");
  assert.deepEqual([first.path, first.body], ["PUT /v1/auth/oidc/oidc/poll", { state: "st_1", client_nonce: begun.body["client_nonce"] }]);
  assert.deepEqual(second.body, first.body);
});

test("oidc: with callbackmode=direct the browser is sent back to the server; what ends the login is told", async (t) => {
  const { address, asked } = await serverWith(t, ({ path }) => (path.endsWith("auth_url") ? [200, { request_id: "r", data: { auth_url: "https://op.example/auth", state: "st_1", poll_interval: "1" } }] : [400, { errors: ["Vault login failed. access_denied"] }]));
  const done = await login(["-method=oidc", "callbackmode=direct", "skip_browser=true"], { VAULT_ADDR: address });
  assert.equal(done.exitCode, 2);
  assert.match(done.stderr, /access_denied/);
  assert.equal(asked[0]!.body["redirect_uri"], `${address}/v1/auth/oidc/oidc/callback`);
  const client = await login(OIDC, { VAULT_ADDR: address });
  assert.match(client.stderr, /callback_mode is not client/);
  assert.match((await login(["-method=oidc", "callbackmode=x"], { VAULT_ADDR: address })).stderr, /invalid callbackmode "x"/);
});

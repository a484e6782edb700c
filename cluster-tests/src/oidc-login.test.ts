import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, startOidcProvider } from "@coffer/counterparts";
import type { OidcProvider } from "@coffer/counterparts";
import { createDesk, startDevServer } from "./docs/dev-server.js";
import type { Desk, DevServer } from "./docs/dev-server.js";
import { COFFER } from "./harness/node-process.js";
import { startCommand } from "./harness/run-command.js";
import type { RunningCommand } from "./harness/run-command.js";
import { until } from "./harness/until.js";

/** `coffer login -method=oidc` of a person at a browser: the shipped command and server, and a real provider. */
const PATIENCE_MS = 30_000;

let server: DevServer;
let desk: Desk;
let provider: OidcProvider;
let port: number;

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await startCommand(COFFER, words, desk.env).finished;
  assert.equal(code, 0, `${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  server = await startDevServer();
  desk = createDesk(server.env);
  port = await freePort();
  const redirects = [`http://localhost:${port}/oidc/callback`, `http://${server.host}/v1/auth/oidc/oidc/callback`];
  provider = await startOidcProvider({ redirectUris: redirects });
  await ok("auth", "enable", "oidc");
  await configure();
  for (const mode of ["client", "direct", "device"]) {
    await ok("write", `auth/oidc/role/${mode}`, "user_claim=sub", "groups_claim=groups", "oidc_scopes=groups", `callback_mode=${mode}`, "poll_interval=1", `allowed_redirect_uris=${redirects.join(",")}`, "token_policies=dev");
  }
});
after(async () => {
  provider?.close();
  await server?.stop();
  desk?.clear();
});

const configure = (...more: readonly string[]) => ok("write", "auth/oidc/config", `oidc_discovery_url=${provider.url}`, `oidc_client_id=${provider.clientId}`, `oidc_client_secret=${provider.clientSecret}`, ...more);

/** Begins a login, and waits until the terminal shows where to go. */
async function begin(...words: readonly string[]): Promise<{ readonly login: RunningCommand; readonly url: string }> {
  const login = startCommand(COFFER, ["login", "-method=oidc", "-no-store", "skip_browser=true", ...words], desk.env);
  const shown = () => /^ {4}(http\S+)$/m.exec(login.stderr())?.[1];
  await until("the terminal shows a URL", PATIENCE_MS, () => shown() !== undefined || login.process.exitCode !== null);
  const url = shown();
  assert.ok(url !== undefined, login.stderr());
  return { login, url };
}

async function isLoggedIn({ finished }: RunningCommand): Promise<void> {
  const { code, stdout, stderr } = await finished;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^token_policies +\["default" "dev"\]$/m);
}

test("the provider sends the browser back to the terminal's machine", async () => {
  const { login, url } = await begin("role=client", `port=${port}`);
  assert.match(await (await fetch(await provider.visit(url, "ann"))).text(), /Signed in/);
  await isLoggedIn(login);
});

test("the provider has the browser post a code, or an ID token, to the terminal's machine", async () => {
  for (const types of ["code", "id_token"]) {
    await configure("oidc_response_mode=form_post", `oidc_response_types=${types}`);
    const { login, url } = await begin("role=client", `port=${port}`);
    const { target, form } = await provider.visitForm(url, "ann");
    assert.equal(target.port, String(port));
    assert.ok(form.has(types));
    assert.match(await (await fetch(target, { method: "POST", body: form })).text(), /Signed in/);
    await isLoggedIn(login);
  }
  await configure();
});

test("a code that nobody gave is refused, in the terminal and in the browser", async () => {
  const { login, url } = await begin("role=client", `port=${port}`);
  const state = new URL(url).searchParams.get("state")!;
  const page = await fetch(`http://localhost:${port}/oidc/callback?state=${state}&code=made-up`);
  assert.equal(page.status, 400);
  const { code, stdout, stderr } = await login.finished;
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /Error exchanging oidc code/);
});

test("a device: the user enters a code at the provider", async () => {
  const { login, url } = await begin("role=device", "callbackmode=device");
  await provider.approve(url, "ann");
  await isLoggedIn(login);
});

test("direct: the browser comes to the server, and the user says that the login is theirs", async () => {
  const { login, url } = await begin("role=direct", "callbackmode=direct");
  const target = await provider.visit(url, "ann");
  assert.equal(target.host, server.host);
  assert.match(await (await fetch(target)).text(), /Is this your login\?/);
  target.searchParams.set("confirmation", "yes");
  assert.match(await (await fetch(target)).text(), /Signed in/);
  await isLoggedIn(login);
});

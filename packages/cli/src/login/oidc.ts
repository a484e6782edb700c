import { randomBytes } from "node:crypto";
import type { Client } from "@coffer/client";
import type { Context } from "../framework/context.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import type { Secret } from "../framework/secret.js";
import { openBrowser } from "./browser.js";
import { listenForCallback } from "./callback-listener.js";
import type { Callback } from "./callback-listener.js";
import type { LoginMethod } from "./method.js";

const DEFAULT_PORT = "8250";
/** How long the user may take at the provider. */
const WAIT_MS = 120_000;
/** The server forgets a login after five minutes. */
const POLL_MS = 300_000;

type Config = Readonly<Record<string, string>>;

export const oidcLogin: LoginMethod = {
  help: `Usage: coffer login -method=oidc [role=NAME] [CONFIG K=V...]

  Logs in by browser, at the OpenID Connect provider that the server is configured
  for. Listens on this machine for the browser that comes back.

  role=NAME              Role to log in with; by default the server's.
  port=${DEFAULT_PORT}              Port to listen on.
  listenaddress=localhost    Address to listen on.
  callbackhost=localhost     Host in the redirect URI.
  callbackport=PORT      Port in the redirect URI; by default the one that is listened on.
  callbackmethod=http    Scheme of the redirect URI.
  skip_browser=false     Print the URL only.
  abort_on_error=false   Give up where no browser can be opened.
  callbackmode=client    With device or direct nothing is listened on: the role says that
                         the user enters a code at the provider, or that the browser
                         comes back to the server, and the server is asked until that
                         is done.`,
  login: async (context, client, config) => {
    const mode = config["callbackmode"] ?? "client";
    if (mode === "device" || mode === "direct") return pollLogin(context, client, config, mode);
    if (mode !== "client") throw new Failure(`Error authenticating: invalid callbackmode ${JSON.stringify(mode)}: client, direct or device`, 2);
    const port = config["port"] ?? DEFAULT_PORT;
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Failure(`Error authenticating: invalid port ${JSON.stringify(port)}`, 2);
    const [skipBrowser, abortOnError] = [bool(config, "skip_browser"), bool(config, "abort_on_error")];
    const listener = await listenForCallback(config["listenaddress"] ?? "localhost", Number(port)).catch((error: Error) => {
      throw new Failure(`Error authenticating: ${error.message}`, 2, { cause: error });
    });
    try {
      const nonce = randomBytes(20).toString("base64url");
      const { url, state } = await authUrl(context, client, config, redirectUri(config, listener.port), nonce);
      if (state !== undefined) throw new Failure("Error authenticating: the role's callback_mode is not client; try callbackmode=device or callbackmode=direct", 2);
      await show(context, url, skipBrowser, abortOnError);
      return await context.attempt("Error authenticating", listener.wait((callback) => finish(client, config, callback, nonce), WAIT_MS));
    } finally {
      listener.close();
    }
  },
};

function bool(config: Config, name: string): boolean {
  const value = config[name] ?? "false";
  if (["1", "t", "true", "TRUE", "True", "T"].includes(value)) return true;
  if (["0", "f", "false", "FALSE", "False", "F"].includes(value)) return false;
  throw new Failure(`Error authenticating: failed to parse ${JSON.stringify(name)} as bool: ${JSON.stringify(value)}`, 2);
}

const redirectUri = (config: Config, port: number): string => `${config["callbackmethod"] ?? "http"}://${config["callbackhost"] ?? "localhost"}:${config["callbackport"] ?? port}/oidc/callback`;

/** Where a role of mode `direct` has the browser come back to: the server's own callback. */
function serverCallback({ address }: Client, config: Config): string {
  const at = new URL(address);
  return `${config["callbackmethod"] ?? at.protocol.slice(0, -1)}://${config["callbackhost"] ?? at.hostname}${config["callbackport"] !== undefined ? `:${config["callbackport"]}` : at.port && `:${at.port}`}/v1/auth/${mountOf(config)}/oidc/callback`;
}

const mountOf = (config: Config): string => config["mount"] ?? "oidc";

interface Begun {
  readonly url: string;
  /** Modes device and direct. */
  readonly state?: string;
  readonly pollSeconds?: number;
  /** To be entered at the provider. */
  readonly userCode?: string;
}

async function authUrl(context: Context, client: Client, config: Config, redirect: string, nonce: string): Promise<Begun> {
  const role = config["role"] ?? "";
  const secret = await context.attempt("Error authenticating", call(client, "PUT", `auth/${mountOf(config)}/oidc/auth_url`, { body: { role, redirect_uri: redirect, client_nonce: nonce } }));
  const { auth_url: url, state, poll_interval: interval, user_code: userCode } = secret?.data ?? {};
  if (typeof url !== "string" || url === "") throw new Failure(`Error authenticating: Unable to authorize role ${JSON.stringify(role)} with redirect_uri ${JSON.stringify(redirect)}. Check Vault logs for more information.`, 2);
  // It is handed to a program that opens whatever it is given.
  if (!/^https?:\/\//.test(url)) throw new Failure("Error authenticating: the server's authorization URL is no web address", 2);
  return { url, ...(typeof state === "string" && { state }), ...(/^\d{1,4}$/.test(String(interval)) && { pollSeconds: Number(interval) }), ...(typeof userCode === "string" && userCode !== "" && { userCode }) };
}

/** The user is done elsewhere; the server is asked until then. RFC 8628, section 3.5. */
async function pollLogin(context: Context, client: Client, config: Config, mode: string): Promise<Secret> {
  const nonce = randomBytes(20).toString("base64url");
  const [skipBrowser, abortOnError] = [bool(config, "skip_browser"), bool(config, "abort_on_error")];
  const { url, state, pollSeconds, userCode } = await authUrl(context, client, config, mode === "direct" ? serverCallback(client, config) : "", nonce);
  if (state === undefined || pollSeconds === undefined) throw new Failure(`Error authenticating: the role's callback_mode is not ${mode}`, 2);
  await show(context, url, skipBrowser, abortOnError);
  if (userCode !== undefined) context.warn(`When prompted, enter code ${userCode}\n`);
  const until = Date.now() + POLL_MS;
  for (let seconds = Math.max(pollSeconds, 1); Date.now() < until; ) {
    await new Promise((wake) => setTimeout(wake, seconds * 1000));
    try {
      const secret = await call(client, "PUT", `auth/${mountOf(config)}/oidc/poll`, { body: { state, client_nonce: nonce }, maxRetries: 0 });
      if (secret !== undefined) return secret;
    } catch (error) {
      const said = errorText(error as Error);
      // RFC 8628: five seconds more each time.
      if (/slow_down\s*$/.test(said)) seconds += 5;
      else if (!/authorization_pending\s*$/.test(said)) return context.attempt("Error authenticating", Promise.reject<Secret>(error as Error));
    }
  }
  throw new Failure("Error authenticating: timed out waiting for the user", 2);
}

async function show({ warn }: Context, url: string, skipBrowser: boolean, abortOnError: boolean): Promise<void> {
  if (skipBrowser) warn(`Complete the login via your OIDC provider. Open the following link in your browser:\n\n    ${url}\n\n`);
  else {
    warn(`Complete the login via your OIDC provider. Launching browser to:\n\n    ${url}\n\n`);
    await openBrowser(url).catch((error: Error) => {
      if (abortOnError) throw new Failure(`Error authenticating: failed to launch the browser: ${errorText(error)}`, 2, { cause: error });
      warn(`Error attempting to automatically open browser: '${errorText(error)}'.\nPlease visit the authorization URL manually.`);
    });
  }
  warn("Waiting for OIDC authentication to complete...");
}

/** What a client gives as code for what it has passed on already. */
const PASSED_ON = "no_code";
const given = (values: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));

async function finish(client: Client, config: Config, { state, code, idToken, error, isPosted }: Callback, nonce: string): Promise<Secret> {
  const path = `auth/${mountOf(config)}/oidc/callback`;
  const isPassedOn = isPosted && error === "";
  // The server takes what a provider posts by a form only: an ID token belongs into no URL. Its answer is a page.
  if (isPassedOn) await client.send("PUT", path, { body: given({ state, code, id_token: idToken }), maxRetries: 0 });
  // The state is used up by the first attempt, whatever comes of it.
  const secret = await call(client, "GET", path, { query: given({ state, code: isPassedOn ? PASSED_ON : code, error, client_nonce: nonce }), maxRetries: 0 });
  if (secret === undefined) throw new Error("empty response from credential provider");
  return secret;
}

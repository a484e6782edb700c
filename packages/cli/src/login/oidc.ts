import { randomBytes } from "node:crypto";
import type { Client } from "@coffer/client";
import type { Context } from "../framework/context.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import type { Secret } from "../framework/secret.js";
import { openBrowser } from "./browser.js";
import { listenForCallback } from "./callback-listener.js";
import type { LoginMethod } from "./method.js";

const DEFAULT_PORT = "8250";
/** How long the user may take at the provider. */
const WAIT_MS = 120_000;

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
  abort_on_error=false   Give up where no browser can be opened.`,
  login: async (context, client, config) => {
    const port = config["port"] ?? DEFAULT_PORT;
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Failure(`Error authenticating: invalid port ${JSON.stringify(port)}`, 2);
    const [skipBrowser, abortOnError] = [bool(config, "skip_browser"), bool(config, "abort_on_error")];
    const listener = await listenForCallback(config["listenaddress"] ?? "localhost", Number(port)).catch((error: Error) => {
      throw new Failure(`Error authenticating: ${error.message}`, 2, { cause: error });
    });
    try {
      const nonce = randomBytes(20).toString("base64url");
      const url = await authUrl(context, client, config, listener.port, nonce);
      await show(context, url, skipBrowser, abortOnError);
      return await context.attempt("Error authenticating", listener.wait((callback) => finish(client, config, { ...callback, client_nonce: nonce }), WAIT_MS));
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

async function authUrl(context: Context, client: Client, config: Config, port: number, nonce: string): Promise<string> {
  const role = config["role"] ?? "";
  const redirect = `${config["callbackmethod"] ?? "http"}://${config["callbackhost"] ?? "localhost"}:${config["callbackport"] ?? port}/oidc/callback`;
  const secret = await context.attempt("Error authenticating", call(client, "PUT", `auth/${config["mount"] ?? "oidc"}/oidc/auth_url`, { body: { role, redirect_uri: redirect, client_nonce: nonce } }));
  const url = secret?.data?.["auth_url"];
  if (typeof url !== "string" || url === "") throw new Failure(`Error authenticating: Unable to authorize role ${JSON.stringify(role)} with redirect_uri ${JSON.stringify(redirect)}. Check Vault logs for more information.`, 2);
  // It is handed to a program that opens whatever it is given.
  if (!/^https?:\/\//.test(url)) throw new Failure("Error authenticating: the server's authorization URL is no web address", 2);
  return url;
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

async function finish(client: Client, config: Config, query: Readonly<Record<string, string>>): Promise<Secret> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  // The state is used up by the first attempt, whatever comes of it.
  const secret = await call(client, "GET", `auth/${config["mount"] ?? "oidc"}/oidc/callback`, { query: given, maxRetries: 0 });
  if (secret === undefined) throw new Error("empty response from credential provider");
  return secret;
}

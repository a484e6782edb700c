import type { Client } from "@coffer/client";
import { parseData } from "../framework/arguments.js";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";
import { needsMfa, validateInteractively } from "../framework/mfa.js";
import { trimPath } from "../framework/paths.js";
import { call, type Secret } from "../framework/secret.js";
import { writeTokenFile } from "../framework/token-file.js";
import { LOGIN_METHODS } from "../login/methods.js";
import { wrapText } from "../output/wrap.js";

export const command: Command = {
  usage: "login [options] [TOKEN | AUTH K=V...]",
  description:
    "Logs in and keeps the token in ~/.vault-token for later commands.\n\n    $ coffer login\n    $ coffer login -method=userpass username=my-username\n\nA password or token that is not given is asked for and not shown.",
  args: { min: 0, max: Infinity },
  flags: [
    { name: "method", kind: "string", help: "Auth method: token (the default), userpass, approle, …" },
    { name: "path", kind: "string", help: "Where the method is mounted; by default its name." },
    { name: "no-store", kind: "bool", help: "Do not keep the token." },
    { name: "no-print", kind: "bool", help: "Do not print the token." },
    { name: "token-only", kind: "bool", help: "Print the token and nothing else; do not keep it." },
  ],
  run: async (context) => {
    const { flags, io } = context;
    const noStore = flags.bool("no-store") || flags.bool("token-only");
    if (noStore && flags.bool("no-print")) throw new Failure("-no-store and -no-print cannot be used together");
    const client = loginClient(context);
    let secret = await authenticate(context, client);
    if (needsMfa(secret)) {
      secret = await validateInteractively(context, secret);
      if (needsMfa(secret)) return context.printSecret(secret);
    }
    if (secret.auth === undefined && secret.wrapInfo !== undefined) {
      if (flags.bool("token-only")) return context.printField(secret.wrapInfo["token"], "secret");
      if (noStore) return context.printSecret(secret);
      secret = await unwrapLogin(context, client, secret);
    }
    if (secret.auth === undefined) throw new Failure("Error extracting token: no auth or wrapping info in response", 2);

    const token = String(secret.auth["client_token"] ?? "");
    if (!noStore) {
      await store(context, secret, token);
      if ((io.env["VAULT_TOKEN"] ?? "") !== "") {
        context.warn(`${wrapText("WARNING! The VAULT_TOKEN environment variable is set! The value of this variable will take precedence; if this is unwanted please unset VAULT_TOKEN or update its value accordingly.")}\n`);
      }
    } else if (!flags.bool("token-only")) {
      context.warn(`${wrapText("The token was not stored in token helper. Set the VAULT_TOKEN environment variable or pass the token below with each request to Vault.")}\n`);
    }
    if (flags.bool("no-print")) return 0;
    if (flags.bool("token-only")) return context.printField(token, "secret");
    if (context.format === "table" && !flags.has("field")) {
      context.print(
        `${wrapText('Success! You are now authenticated. The token information displayed below is already stored in the token helper. You do NOT need to run "coffer login" again. Future Vault requests will automatically use this token.')}\n`,
      );
    }
    return context.printSecret(secret);
  },
};

function methodName(context: Context): string {
  return trimPath(context.flags.string("method")) || "token";
}

/** Only the token method has use for a token that is there already; to the others it could be an expired one. */
function loginClient(context: Context): Client {
  const client = context.clientWithoutToken();
  return methodName(context) === "token" ? client : client.with({ token: "" });
}

async function authenticate(context: Context, client: Client): Promise<Secret> {
  const name = methodName(context);
  const method = Object.hasOwn(LOGIN_METHODS, name) ? LOGIN_METHODS[name] : undefined;
  if (method === undefined) {
    throw new Failure(wrapText(`Unknown auth method: ${name}. Use "coffer auth list" to see the complete list of auth methods. Additionally, some auth methods are only available via the HTTP API.`));
  }
  const [first, ...rest] = context.args;
  const words = name === "token" && first !== undefined && !first.includes("=") ? [`token=${first}`, ...rest] : context.args;
  const data = await parseData(context, words, "Error parsing configuration");
  const config = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, String(value)]));
  const mount = trimPath(config["mount"] ?? (context.flags.string("path") || name));
  return method.login(context, client, { ...config, mount });
}

async function unwrapLogin(context: Context, client: Client, secret: Secret): Promise<Secret> {
  const token = String(secret.wrapInfo?.["token"] ?? "");
  const opened = await context.attempt("Error extracting token", call(client.with({ token, wrapTtl: "" }), "PUT", "sys/wrapping/unwrap"));
  if (opened === undefined) throw new Failure("Error extracting token: empty response from auth helper", 2);
  return opened;
}

async function store(context: Context, secret: Secret, token: string): Promise<void> {
  try {
    await writeTokenFile(context.io, token);
  } catch (cause) {
    context.warn(`Error storing token: ${errorText(cause)}`);
    context.warn(`${wrapText("Authentication was successful, but the token was not persisted. The resulting token is shown below for your records.")}\n`);
    await context.printSecret(secret);
    throw new Failure("The token was not stored.", 2, { cause });
  }
}

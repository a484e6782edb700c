import { flag, integer, loginOf, text } from "./details.js";
import { ConnectionError } from "./plugin.js";
import type { DatabaseConnection, DatabasePlugin } from "./plugin.js";
import type { Details } from "./storage.js";

const CONNECT_MS = 10_000;
const DEFAULT_RULES = ["~*", "+@read"];

/** https://developer.hashicorp.com/vault/api-docs/secret/databases/redis */
export const redis: DatabasePlugin = {
  usernameTemplate: '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 64) (.RoleName | truncate 64) (random 20) (unix_time) | uppercase }}',
  customUsernames: false,
  needsCreationStatements: false,
  open: openRedis,
};

function openRedis(details: Details): DatabaseConnection {
  const options = optionsOf(details);
  let client: Promise<Client> | undefined;

  async function connect(): Promise<Client> {
    const made = await newClient(options);
    // One that breaks is replaced when it is next needed.
    made.on("error", () => (client = undefined));
    await made.connect();
    return made;
  }
  async function acl(...args: readonly string[]): Promise<unknown> {
    const own = (client ??= connect());
    try {
      return await (await own).sendCommand(["ACL", ...args]);
    } catch (error) {
      if (client === own && !(await own.then(({ isReady }) => isReady).catch(() => false))) client = undefined;
      throw error;
    }
  }
  async function close(): Promise<void> {
    const ending = client;
    client = undefined;
    (await ending?.catch(() => undefined))?.destroy();
  }

  return {
    verify: async () => void (await acl("WHOAMI")),
    createUser: async ({ username, password, statements }) => void (await acl("SETUSER", username, "ON", `>${password}`, ...rulesOf(statements))),
    // Users of Redis have no end of their own.
    renewUser: () => Promise.resolve(),
    async setPassword({ username, password }) {
      if ((await acl("GETUSER", username)) === null) throw new Error(`user ${username} not found`);
      await acl("SETUSER", username, "RESETPASS", `>${password}`);
    },
    deleteUser: async ({ username }) => void (await acl("DELUSER", username)),
    close,
  };
}

type RedisOptions = ReturnType<typeof optionsOf>;
type Client = Awaited<ReturnType<typeof newClient>>;

async function newClient(options: RedisOptions) {
  // Loaded when it is first needed: 20 MB, and 130 ms of a node's start.
  const { createClient } = await import("redis");
  return createClient(options);
}

function optionsOf(details: Details) {
  const { username, password } = loginOf(details);
  const host = text(details, "host");
  const port = integer(details, "port");
  const missing = host === "" ? "host" : port === 0 ? "port" : username === "" ? "username" : password === "" ? "password" : undefined;
  if (missing) throw new ConnectionError(`${missing} cannot be empty`);
  const base = { host, port, connectTimeout: CONNECT_MS, reconnectStrategy: false as const };
  if (!flag(details, "tls")) return { username, password, socket: base };
  const ca = text(details, "ca_cert") || text(details, "tls_ca");
  const pair = text(details, "tls_certificate_key");
  if (ca === "") throw new ConnectionError("ca_cert cannot be empty");
  return { username, password, socket: { ...base, tls: true as const, ca, ...(pair !== "" && { cert: pair, key: pair }), rejectUnauthorized: !flag(details, "insecure_tls") } };
}

/** A JSON list in the first entry, or each entry a rule. */
function rulesOf(statements: readonly string[]): readonly string[] {
  const given = statements.map((one) => one.trim()).filter((one) => one !== "");
  if (given.length === 0) return DEFAULT_RULES;
  try {
    const list: unknown = JSON.parse(given[0]!);
    if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list;
  } catch {
    // Rules, then.
  }
  return given;
}

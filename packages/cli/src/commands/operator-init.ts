import { sys, type Client } from "@coffer/client";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import type { FlagValues } from "../framework/flags.js";
import { readPgpKey, readPgpKeys } from "../framework/pgp-keys.js";
import { wrapText } from "../output/wrap.js";

const DEFAULT_SHARES = 5;
const DEFAULT_THRESHOLD = 3;

export const command: Command = {
  usage: "operator init [options]",
  description:
    "Initialises a new server: makes its keys and prints the shares to unseal it with, and the first root token. They are shown once.\n\n    $ coffer operator init -key-shares=3 -key-threshold=2",
  flags: [
    { name: "status", kind: "bool", help: "Only say whether it is initialised: exit code 0 if so, 2 if not, 1 on an error." },
    { name: "key-shares", kind: "int", help: "Number of shares to split the key into (5)." },
    { name: "n", kind: "int", help: "Short for -key-shares.", hidden: true },
    { name: "key-threshold", kind: "int", help: "Number of shares that unseal (3)." },
    { name: "t", kind: "int", help: "Short for -key-threshold.", hidden: true },
    { name: "pgp-keys", kind: "string", help: "Files with public PGP keys, with commas between: one a share, in this order; each share is printed encrypted for its key." },
    { name: "root-token-pgp-key", kind: "string", help: "File with the public PGP key to encrypt the root token for." },
    { name: "recovery-shares", kind: "int", help: "Number of recovery shares, where a seal unseals by itself (5); 0 makes no recovery key." },
    { name: "recovery-threshold", kind: "int", help: "Number of recovery shares that count as a quorum (3)." },
    { name: "recovery-pgp-keys", kind: "string", help: "As -pgp-keys, for the recovery shares." },
    { name: "stored-shares", kind: "int", help: "Of no effect.", hidden: true },
  ],
  run: async (context) => {
    const client = await context.preflight();
    if (context.flags.bool("status")) return printInitStatus(context, client);
    const { flags } = context;
    const { recovery_seal: recovery } = await context.attempt("", sys.sealStatus(client));
    const shares = flags.int("key-shares", flags.int("n", recovery ? 0 : DEFAULT_SHARES));
    const threshold = flags.int("key-threshold", flags.int("t", recovery ? 0 : DEFAULT_THRESHOLD));
    const body = {
      secret_shares: shares,
      secret_threshold: threshold,
      recovery_shares: recovery ? flags.int("recovery-shares", DEFAULT_SHARES) : 0,
      recovery_threshold: recovery ? flags.int("recovery-threshold", flags.int("recovery-shares", DEFAULT_SHARES) === 0 ? 0 : DEFAULT_THRESHOLD) : 0,
    };
    const result = await context.attempt("Error initializing", sys.init(await context.client(), { ...body, ...(await pgpMembers(flags)) }));
    if (context.format !== "table") return context.printData(machineReadable(body, result));
    printKeys(context, result);
    printAdvice(context, body, result);
    return 0;
  },
};

/** Of the body: as far as they are asked for. */
async function pgpMembers(flags: FlagValues): Promise<Readonly<Record<string, unknown>>> {
  const keys = async (flag: string) => (flags.string(flag) === "" ? undefined : readPgpKeys(flags.string(flag), flag));
  const [pgpKeys, recoveryPgpKeys] = [await keys("pgp-keys"), await keys("recovery-pgp-keys")];
  const rootKey = flags.string("root-token-pgp-key") === "" ? undefined : await readPgpKey(flags.string("root-token-pgp-key"), "root-token-pgp-key");
  return { ...(pgpKeys && { pgp_keys: pgpKeys }), ...(rootKey !== undefined && { root_token_pgp_key: rootKey }), ...(recoveryPgpKeys && { recovery_pgp_keys: recoveryPgpKeys }) };
}

async function printInitStatus(context: Context, client: Client): Promise<number> {
  const { initialized } = await context.attempt("Error checking init status", client.request<unknown, { initialized: boolean }>("GET", "sys/init")).catch((error: unknown) => {
    // 2 is taken: it means not initialised here.
    throw error instanceof Failure ? new Failure(error.message, 1, { cause: error.cause }) : error;
  });
  if (context.format === "table") context.print(initialized ? "Vault is initialized" : "Vault is not initialized");
  else await context.printData({ Initialized: initialized });
  return initialized ? 0 : 2;
}

type Body = { secret_shares: number; secret_threshold: number; recovery_shares: number; recovery_threshold: number };

function machineReadable(body: Body, result: sys.InitResult): Map<string, unknown> {
  const stored = result.keys.length === 0;
  return new Map<string, unknown>([
    ["unseal_keys_b64", result.keys_base64],
    ["unseal_keys_hex", result.keys],
    ["unseal_shares", stored ? 1 : body.secret_shares],
    ["unseal_threshold", stored ? 1 : body.secret_threshold],
    ["recovery_keys_b64", result.recovery_keys_base64 ?? []],
    ["recovery_keys_hex", result.recovery_keys ?? []],
    ["recovery_keys_shares", body.recovery_shares],
    ["recovery_keys_threshold", body.recovery_threshold],
    ["root_token", result.root_token],
  ]);
}

function printKeys(context: Context, result: sys.InitResult): void {
  const print = (label: string, hex: readonly string[], base64: readonly string[]): void =>
    hex.forEach((key, index) => context.print(`${label} ${index + 1}: ${base64.length === hex.length ? base64[index] : key}`));
  print("Unseal Key", result.keys, result.keys_base64);
  print("Recovery Key", result.recovery_keys ?? [], result.recovery_keys_base64 ?? []);
  context.print(`\nInitial Root Token: ${result.root_token}\n`);
}

function printAdvice(context: Context, body: Body, result: sys.InitResult): void {
  const { print } = context;
  if (result.keys.length > 0) {
    print(
      `${wrapText(
        `Vault initialized with ${body.secret_shares} key shares and a key threshold of ${body.secret_threshold}. Please securely distribute the key shares printed above. When the Vault is re-sealed, restarted, or stopped, you must supply at least ${body.secret_threshold} of these keys to unseal it before it can start servicing requests.`,
      )}\n`,
    );
    print(
      `${wrapText(`Vault does not store the generated root key. Without at least ${body.secret_threshold} keys to reconstruct the root key, Vault will remain permanently sealed!`)}\n`,
    );
    print(wrapText('It is possible to generate new unseal keys, provided you have a quorum of existing unseal keys shares. See "coffer operator rekey" for more information.'));
  } else print("Success! Vault is initialized");
  if ((result.recovery_keys ?? []).length > 0) {
    print(
      `\n${wrapText(`Recovery key initialized with ${body.recovery_shares} key shares and a key threshold of ${body.recovery_threshold}. Please securely distribute the key shares printed above.`)}`,
    );
  }
}

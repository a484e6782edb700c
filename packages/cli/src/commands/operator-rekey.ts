import type { Client } from "@coffer/client";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import { readKeyShare } from "../framework/key-share.js";
import { readPgpKeys } from "../framework/pgp-keys.js";
import { call } from "../framework/secret.js";
import { formatNewKeys, formatRekeyStatus, formatVerification, orderedRekey } from "../output/rekey.js";
import type { RekeyResult, RekeyStatus } from "../output/rekey.js";
import { wrapText } from "../output/wrap.js";

type Target = { readonly path: string; readonly backup: string; readonly key: "unseal" | "recovery" };

const BARRIER: Target = { path: "sys/rekey", backup: "sys/rekey/backup", key: "unseal" };
const RECOVERY: Target = { path: "sys/rekey-recovery-key", backup: "sys/rekey/recovery-key-backup", key: "recovery" };
const DEFAULT_SHARES = 5;
const DEFAULT_THRESHOLD = 3;

export const command: Command = {
  usage: "operator rekey [options] [KEY]",
  description:
    "Replaces the unseal keys (-target=recovery: the recovery keys) by a quorum of holders of the present ones; their number may change with it. The server has to be unsealed, and serves on.\n\nEach holder gives a share: asked for and not shown where there is no argument, read from standard input where it is \"-\".\n\n    $ coffer operator rekey -init -key-shares=5 -key-threshold=3\n    $ coffer operator rekey\n    $ coffer operator rekey -init -pgp-keys=a.asc,b.asc -key-shares=2 -key-threshold=2 -backup",
  args: { min: 0, max: 1, expected: "0-1" },
  flags: [
    { name: "init", kind: "bool", help: "Begin. Only where nothing is under way." },
    { name: "cancel", kind: "bool", help: "Drop what is under way and the shares given so far; with -verify, the verification's." },
    { name: "status", kind: "bool", help: "Print what is under way; with -verify, of the verification." },
    { name: "key-shares", kind: "int", help: "Number of new shares (5)." },
    { name: "n", kind: "int", help: "Short for -key-shares.", hidden: true },
    { name: "key-threshold", kind: "int", help: "Number of new shares that are a quorum (3)." },
    { name: "t", kind: "int", help: "Short for -key-threshold.", hidden: true },
    { name: "nonce", kind: "string", help: "Of what was begun; needed where the share is not typed in." },
    { name: "target", kind: "string", help: "barrier (default), or recovery where a seal unseals by itself." },
    { name: "verify", kind: "bool", help: "With -init: the new shares have to be given back before they count. Otherwise: this concerns that verification." },
    { name: "pgp-keys", kind: "string", help: "Files with public PGP keys, with commas between: one a share, in this order." },
    { name: "backup", kind: "bool", help: "Keep the encrypted shares in the cluster as well." },
    { name: "backup-retrieve", kind: "bool", help: "Print the shares that are kept." },
    { name: "backup-delete", kind: "bool", help: "Delete them." },
  ],
  run: async (context) => {
    const { flags } = context;
    const target = targetOf(flags.string("target"));
    const client = await context.client();
    if (flags.bool("backup-delete")) {
      await context.attempt("Error deleting rekey backed up keys", client.request("DELETE", target.backup));
      context.print("Success! Deleted backed up keys (if they existed)");
      return 0;
    }
    if (flags.bool("backup-retrieve")) return printBackup(context, client, target);
    if (flags.bool("cancel")) {
      await context.attempt("Error canceling rekey", client.request("DELETE", `${target.path}/${flags.bool("verify") ? "verify" : "init"}`));
      context.print("Success! Canceled rekeying (if it was started)");
      return 0;
    }
    if (flags.bool("init")) return init(context, client, target);
    if (flags.bool("status")) return printStatus(context, client, target, flags.bool("verify"));
    return provide(context, client, target);
  },
};

function targetOf(name: string): Target {
  const known = name.trim().toLowerCase();
  if (known === "" || known === "barrier") return BARRIER;
  if (known === "recovery" || known === "hsm") return RECOVERY;
  throw new Failure(`Unknown target: ${name}`);
}

async function printBackup(context: Context, client: Client, target: Target): Promise<number> {
  const secret = await context.attempt("Error retrieving rekey backed up keys", call(client, "GET", target.backup));
  if (!secret) throw new Failure("Error retrieving rekey backed up keys: no backed-up keys found", 2);
  return context.printSecret(secret);
}

async function init(context: Context, client: Client, target: Target): Promise<number> {
  const { flags } = context;
  const pgpKeys = await readPgpKeys(flags.string("pgp-keys"), "pgp-keys");
  const body = {
    secret_shares: flags.int("key-shares", flags.int("n", DEFAULT_SHARES)),
    secret_threshold: flags.int("key-threshold", flags.int("t", DEFAULT_THRESHOLD)),
    pgp_keys: pgpKeys,
    backup: flags.bool("backup"),
    require_verification: flags.bool("verify"),
  };
  const status = await context.attempt("Error initializing rekey", client.request<unknown, RekeyStatus>("PUT", `${target.path}/init`, { body }));
  if (context.format !== "table") return context.printData(orderedRekey(status));
  const isRootKeyOnly = status.n === 0 && status.t === 0;
  if (isRootKeyOnly) context.print("\nRotating barrier root key using recovery shares.\n");
  else if (pgpKeys.length === 0) {
    context.warn(`${wrapText(`WARNING! If you lose the keys after they are returned, there is no recovery. Consider canceling this operation and re-initializing with the -pgp-keys flag to protect the returned ${target.key} keys along with -backup to allow recovery of the encrypted keys in case of emergency. You can delete the stored keys later using the -delete flag.`)}\n`);
  } else if (!flags.bool("backup")) {
    context.warn(`${wrapText(`WARNING! You are using PGP keys for encrypted the resulting ${target.key} keys, but you did not enable the option to backup the keys to Vault's core. If you lose the encrypted keys after they are returned, you will not be able to recover them. Consider canceling this operation and re-running with -backup to allow recovery of the encrypted unseal keys in case of emergency. You can delete the stored keys later using the -delete flag.`)}\n`);
  }
  context.print(formatRekeyStatus(status));
  return 0;
}

async function printStatus(context: Context, client: Client, target: Target, verifies: boolean): Promise<number> {
  const status = await context.attempt("Error reading rekey status", client.request<unknown, RekeyStatus>("GET", `${target.path}/${verifies ? "verify" : "init"}`));
  if (context.format !== "table") return context.printData(orderedRekey(status));
  context.print(verifies ? formatVerification(status) : formatRekeyStatus(status));
  return 0;
}

async function provide(context: Context, client: Client, target: Target): Promise<number> {
  const verifies = context.flags.bool("verify");
  const asked = await context.preflight();
  const status = await context.attempt("Error getting rekey status", asked.request<unknown, RekeyStatus>("GET", `${target.path}/${verifies ? "verify" : "init"}`));
  if (!status.started) throw new Failure(wrapText('No rekey is in progress. Start a rekey process by running "coffer operator rekey -init".'));
  const question = `${target.key === "unseal" ? "Unseal" : "Recovery"} Key (will be hidden): `;
  const body = await readKeyShare(context, { nonce: status.nonce, title: verifies ? "Rekey verification nonce" : "Rekey operation nonce", question });
  const path = `${target.path}/${verifies ? "verify" : "update"}`;
  const result = await context.attempt("Error posting unseal key", client.request<unknown, RekeyResult>("PUT", path, { body }));
  if (result.complete !== true) return printStatus(context, client, target, verifies);
  if (verifies) {
    if (context.format !== "table") return context.printData(orderedRekey(result));
    context.print(wrapText("Rekey verification successful. The rekey operation is complete and the new keys are now active."));
    return 0;
  }
  if (context.format !== "table") return context.printData(orderedRekey(result));
  context.print("");
  for (const line of formatNewKeys(result)) context.print(line);
  for (const warning of result.warnings ?? []) context.warn(`\n${wrapText(`WARNING! ${warning}`)}`);
  return printAdvice(context, client, target, status, result);
}

async function printAdvice(context: Context, client: Client, target: Target, status: RekeyStatus, result: RekeyResult): Promise<number> {
  const say = (text: string): void => context.print(`\n${wrapText(text)}`);
  if ((result.keys ?? []).length === 0) {
    say("Barrier root key rotated using recovery keys.");
    return 0;
  }
  context.print(`\nOperation nonce: ${result.nonce}`);
  const { n, t } = status;
  if ((result.pgp_fingerprints ?? []).length > 0 && result.backup === true) {
    const flag = target.key === "recovery" ? " -target=recovery" : "";
    say(`The encrypted ${target.key} keys are backed up in the storage backend. Remove these keys at any time using "coffer operator rekey -backup-delete${flag}". Vault does not automatically remove these keys.`);
  }
  const supply = `When the Vault is re-sealed, restarted, or stopped, you must supply at least ${t} of these keys to unseal it before it can start servicing requests.`;
  if (result.verification_required === true) {
    say(`Vault has created a new ${target.key} key, split into ${n} key shares and a key threshold of ${t}. These will not be active until after verification is complete. Please securely distribute the key shares printed above. ${target.key === "unseal" ? supply : ""}`);
    context.warn(`\n${wrapText(`Again, these key shares are _not_ valid until verification is performed. Do not lose or discard your current key shares until after verification is complete or you will be unable to ${target.key === "unseal" ? "unseal" : "authenticate with"} Vault. If you cancel the rekey process or seal Vault before verification is complete the new shares will be discarded and the current shares will remain valid.`)}`);
    context.warn(`\n${wrapText("The current verification status, including initial nonce, is shown below.")}\n`);
    return printStatus(context, client, target, true);
  }
  say(`Vault ${target.key} keys rekeyed to ${n} key shares and a key threshold of ${t}. Please securely distribute the key shares printed above. ${target.key === "unseal" ? supply : ""}`);
  return 0;
}

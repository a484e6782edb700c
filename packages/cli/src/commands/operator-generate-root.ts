import { randomInt } from "node:crypto";
import type { Client } from "@coffer/client";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import { readAll } from "../framework/io.js";
import { readKeyShare } from "../framework/key-share.js";
import { readPgpKey } from "../framework/pgp-keys.js";
import { formatColumns } from "../output/columns.js";
import { wrapText } from "../output/wrap.js";

type Status = {
  readonly nonce: string;
  readonly started: boolean;
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  readonly encoded_token: string;
  readonly encoded_root_token: string;
  readonly pgp_fingerprint: string;
  readonly otp: string;
  readonly otp_length: number;
};

const MEMBERS = ["nonce", "started", "progress", "required", "complete", "encoded_token", "encoded_root_token", "pgp_fingerprint", "otp", "otp_length"] as const;

/** What a quorum makes: a root token, or on a server in recovery mode the token that it takes. */
type Kind = { readonly path: "sys/generate-root" | "sys/generate-recovery-token"; readonly name: "root" | "recovery"; readonly flag: "" | " -recovery-token" };

const ROOT: Kind = { path: "sys/generate-root", name: "root", flag: "" };
const RECOVERY: Kind = { path: "sys/generate-recovery-token", name: "recovery", flag: " -recovery-token" };
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Of a server that does not say. */
const OTP_LENGTH = 28;

export const command: Command = {
  usage: "operator generate-root [options] [KEY]",
  description:
    "Makes a new root token by a quorum of key share holders.\n\nThe token is told encoded with a one-time password (-otp, made by the server where none is given) or encrypted for a PGP key (-pgp-key). Each holder then gives a share: asked for and not shown where there is no argument, read from standard input where it is \"-\".\n\n    $ coffer operator generate-root -init\n    $ coffer operator generate-root\n    $ coffer operator generate-root -decode=... -otp=...",
  args: { min: 0, max: 1, expected: "0-1" },
  flags: [
    { name: "init", kind: "bool", help: "Begin. Only where nothing is under way." },
    { name: "cancel", kind: "bool", help: "Drop what is under way and the shares given so far." },
    { name: "status", kind: "bool", help: "Print what is under way." },
    { name: "decode", kind: "string", help: "Print the token behind this value (\"-\": on standard input), by its -otp." },
    { name: "generate-otp", kind: "bool", help: "Print a one-time password for -init." },
    { name: "otp", kind: "string", help: "One-time password for -init and -decode." },
    { name: "pgp-key", kind: "string", help: "File with the public PGP key to encrypt the token for." },
    { name: "nonce", kind: "string", help: "Of what was begun; needed where the share is not typed in." },
    { name: "dr-token", kind: "bool", help: "Not supported.", hidden: true },
    { name: "recovery-token", kind: "bool", help: "For a server that runs in recovery mode: unseals it, and makes the token that it takes." },
  ],
  run: async (context) => {
    const { flags } = context;
    if (flags.bool("dr-token")) throw new Failure(flags.bool("recovery-token") ? "Both -recovery-token and -dr-token flags are set" : "-dr-token is not supported");
    const kind = flags.bool("recovery-token") ? RECOVERY : ROOT;
    if (flags.bool("generate-otp")) return printOtp(context, kind);
    if (flags.has("decode")) return decode(context);
    const client = await context.client();
    if (flags.bool("cancel")) {
      await context.attempt(`Error canceling ${kind.name} token generation`, client.request("DELETE", `${kind.path}/attempt`));
      context.print(`Success! ${kind.name === "root" ? "Root" : "Recovery"} token generation canceled (if it was started)`);
      return 0;
    }
    if (flags.bool("init")) return init(context, client, kind);
    if (flags.bool("status")) return printStatus(context, await readStatus(context, client, kind));
    return provide(context, kind);
  },
};

const readStatus = (context: Context, client: Client, kind: Kind): Promise<Status> => context.attempt(`Error getting ${kind.name} generation status`, client.request<unknown, Status>("GET", `${kind.path}/attempt`));

async function printOtp(context: Context, kind: Kind): Promise<number> {
  const { otp_length: length } = await readStatus(context, await context.client(), kind);
  const otp = Array.from({ length: length || OTP_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  if (context.format !== "table") return context.printData({ otp, otp_length: otp.length });
  context.print(otp);
  return 0;
}

async function decode(context: Context): Promise<number> {
  const { flags, io } = context;
  const otp = flags.string("otp");
  let encoded = flags.string("decode");
  if (encoded === "") throw new Failure("Missing encoded value: use -decode=<string> to supply it");
  if (otp === "") throw new Failure("Missing otp: use -otp to supply it");
  if (encoded === "-") {
    encoded = flags.bool("non-interactive") ? "" : (await readAll(io.stdin)).trim();
    if (encoded === "") throw new Failure('Missing encoded value. When using -decode="-" value must be passed via stdin.');
  }
  const [bytes, password] = [Buffer.from(encoded, "base64"), Buffer.from(otp)];
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw new Failure("Error decoding root token: error decoding base64'd token: it is not base64");
  if (bytes.length !== password.length) throw new Failure(`Error decoding root token: error xoring token: length of byte slices is not equivalent: ${bytes.length} != ${password.length}`);
  const token = Buffer.from(bytes.map((byte, at) => byte ^ password[at]!)).toString();
  if (context.format !== "table") return context.printData({ token });
  context.print(token);
  return 0;
}

async function init(context: Context, client: Client, kind: Kind): Promise<number> {
  const { flags } = context;
  if (flags.string("otp") !== "" && flags.string("pgp-key") !== "") throw new Failure("Error initializing: cannot specify both -otp and -pgp-key");
  const pgpKey = flags.string("pgp-key") === "" ? "" : await readPgpKey(flags.string("pgp-key"), "pgp-key");
  const body = { otp: flags.string("otp"), pgp_key: pgpKey };
  return printStatus(context, await context.attempt(`Error initializing ${kind.name} generation`, client.request<unknown, Status>("PUT", `${kind.path}/attempt`, { body })));
}

async function provide(context: Context, kind: Kind): Promise<number> {
  const client = await context.client();
  const status = await readStatus(context, await context.preflight(), kind);
  if (!status.started) {
    context.warn(wrapText(`No ${kind.name} generation is in progress. Start a ${kind.name} generation by running "coffer operator generate-root -init${kind.flag}".`));
    throw new Failure(wrapText(`If starting ${kind.name} generation using the OTP method and generating your own OTP, the length of the OTP string needs to be ${status.otp_length} characters in length.`));
  }
  const body = await readKeyShare(context, { nonce: status.nonce, title: "Operation nonce", question: "Unseal Key (will be hidden): " });
  return printStatus(context, await context.attempt("Error posting unseal key", client.request<unknown, Status>("PUT", `${kind.path}/update`, { body })));
}

async function printStatus(context: Context, status: Status): Promise<number> {
  if (context.format !== "table") return context.printData(new Map(MEMBERS.map((name) => [name, status[name]])));
  const rows: [string, string][] = [
    ["Nonce", status.nonce],
    ["Started", String(status.started)],
    ["Progress", `${status.progress}/${status.required}`],
    ["Complete", String(status.complete)],
  ];
  if (status.pgp_fingerprint !== "") rows.push(["PGP Fingerprint", status.pgp_fingerprint]);
  if (status.encoded_token !== "") rows.push(["Encoded Token", status.encoded_token]);
  if (status.otp !== "") {
    context.warn(wrapText("A One-Time-Password has been generated for you and is shown in the OTP field. You will need this value to decode the resulting root token, so keep it safe."));
    rows.push(["OTP", status.otp]);
  }
  if (status.otp_length !== 0) rows.push(["OTP Length", String(status.otp_length)]);
  context.print(formatColumns(rows));
  return 0;
}

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure } from "../framework/failure.js";
import type { Io } from "../framework/io.js";

/** A private key and its public half. */
export interface KeyFiles {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** In the order in which ssh looks for them. */
const USUAL = ["id_ed25519", "id_ecdsa", "id_rsa"];
const SUFFIX = ".pub";

const homeOf = (io: Io) => io.env["HOME"] || homedir();
export const expandHome = (io: Io, path: string): string => (path === "~" || path.startsWith("~/") ? join(homeOf(io), path.slice(1)) : path);

/** Those that are named, or the half that is missing beside the other, or the usual ones. Throws Failure. */
export function findKeys(io: Io, { privateKey, publicKey }: KeyFiles): KeyFiles {
  let named: KeyFiles = { privateKey: expandHome(io, privateKey), publicKey: expandHome(io, publicKey) };
  if (privateKey === "" && publicKey === "") {
    const usual = USUAL.map((name) => join(homeOf(io), ".ssh", name)).find((path) => existsSync(path) && existsSync(path + SUFFIX));
    if (usual !== undefined) named = { privateKey: usual, publicKey: usual + SUFFIX };
  } else if (publicKey === "" && existsSync(named.privateKey + SUFFIX)) named = { ...named, publicKey: named.privateKey + SUFFIX };
  else if (privateKey === "" && named.publicKey.endsWith(SUFFIX) && existsSync(named.publicKey.slice(0, -SUFFIX.length))) named = { ...named, privateKey: named.publicKey.slice(0, -SUFFIX.length) };
  if (named.publicKey === "") throw new Failure("Could not find an SSH public key. Specify with -public-key-path.");
  if (named.privateKey === "") throw new Failure("Could not find an SSH private key. Specify with -private-key-path.");
  return named;
}

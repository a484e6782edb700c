import { readFile } from "node:fs/promises";
import { Failure } from "./failure.js";

const KEYBASE = "keybase:";
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** Public PGP keys for the server: files that hold a key armored, binary or in base64, named with commas between. In base64. */
export async function readPgpKeys(files: string, flag: string): Promise<readonly string[]> {
  if (files === "") return [];
  return Promise.all(files.split(",").map((file) => readPgpKey(file.trim(), flag)));
}

export async function readPgpKey(name: string, flag: string): Promise<string> {
  const refuse = (problem: string): never => {
    throw new Failure(`invalid value "${name}" for flag -${flag}: ${problem}`);
  };
  if (name.startsWith(KEYBASE)) return refuse("keys are not fetched from Keybase: save the key to a file and give its path");
  let bytes: Buffer;
  try {
    bytes = await readFile(name.replace(/^@/, ""));
  } catch (error) {
    return refuse(`error reading file: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
  }
  const text = bytes.toString("latin1");
  if (!text.includes("-----BEGIN PGP")) return BASE64.test(text) ? text.trim() : bytes.toString("base64");
  try {
    const { readKeys } = await import("openpgp");
    const keys = await readKeys({ armoredKeys: text });
    if (keys.length !== 1) return refuse("more than one key found");
    return Buffer.from(keys[0]!.toPublic().write()).toString("base64");
  } catch (error) {
    if (error instanceof Failure) throw error;
    return refuse(`it holds no PGP key that can be read: ${error instanceof Error ? error.message : "unknown error"}`);
  }
}

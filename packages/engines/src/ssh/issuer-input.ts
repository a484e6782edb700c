import { data, field, invalid } from "@coffer/state-machine";
import type { EnvelopeResponse, Environment, InputOf, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { addIssuer, allIssuers, DEFAULT_REF, findIssuer } from "./issuer-storage.js";
import type { Issuer } from "./issuer-storage.js";
import { isPair, newKeyPair } from "./key-pair.js";
import type { KeyPair } from "./key-pair.js";
import { parsePublicKey } from "./public-key.js";

/** Fields of everything that brings or makes a key pair. */
export const KEY_PAIR = {
  generate_signing_key: field.bool({ description: "Whether the key pair is generated here; it is unless one is given." }),
  private_key: field.string({ description: "Private key of the CA, in PEM, unencrypted.", default: "", sensitive: true }),
  public_key: field.string({ description: "Public key of the CA.", default: "" }),
  key_type: field.string({ description: "Type of a generated key: ssh-rsa, ssh-ed25519, ecdsa-sha2-nistp256 and so on, or rsa, ed25519, ec.", default: "ssh-rsa" }),
  key_bits: field.int({ description: "Size of a generated key; 0 for the usual one.", default: 0 }),
};

const NAME = /^\w(([\w-.]+)?\w)?$/;

/** Throws RequestError 400 for a name that cannot be, or that another has. Empty is no name. */
export function checkName(storage: ReadStorage, name: string, ownId = ""): string {
  if (name.toLowerCase() === DEFAULT_REF) throw invalid("reserved keyword 'default' can not be used as issuer name");
  if (name !== "" && !NAME.test(name)) throw invalid("issuer name contained invalid characters");
  const holder = name === "" ? undefined : findIssuer(storage, name);
  if (holder && holder.id !== ownId) throw invalid("issuer name already in use");
  return name;
}

/** The pair that is given, or a new one. Throws RequestError 400. */
async function pairOf({ private_key, public_key, generate_signing_key, key_type, key_bits }: InputOf<typeof KEY_PAIR>): Promise<KeyPair> {
  const isGiven = private_key !== "" || public_key !== "";
  if (generate_signing_key === true && isGiven) throw invalid("public_key and private_key must not be set when generate_signing_key is set to true");
  if (isGiven && (private_key === "" || public_key === "")) throw invalid("only one of public_key and private_key set; both must be set to use, or both must be blank to auto-generate");
  if (!isGiven && generate_signing_key === false) throw invalid("missing public_key");
  if (!isGiven) return newKeyPair(key_type, key_bits);
  if (!(await isPair({ privateKey: private_key, publicKey: public_key }))) throw invalid("public_key is not that of private_key");
  return { privateKey: private_key, publicKey: public_key };
}

/** Makes an issuer of what a caller says. One with that key is taken as it is. Throws RequestError 400. */
export async function makeIssuer(storage: WriteStorage, env: Environment, input: InputOf<typeof KEY_PAIR>, name: string, isDefault: boolean): Promise<EnvelopeResponse> {
  const pair = await pairOf(input);
  const { blob } = parsePublicKey(pair.publicKey);
  const known = (await allIssuers(storage)).find((one) => parsePublicKey(one.publicKey).blob.equals(blob));
  if (known) return data(showIssuer(known), { warnings: ["An issuer with the provided public key already exists, returning the existing issuer"] });
  const issuer: Issuer = { id: env.uuid(), name: checkName(storage, name), ...pair };
  addIssuer(storage, issuer, isDefault);
  return data(showIssuer(issuer));
}

export const showIssuer = ({ id, name, publicKey }: Issuer) => ({ issuer_id: id, issuer_name: name, public_key: publicKey });

import { createHash } from "node:crypto";
import { invalid } from "../errors.js";
import { data, field } from "../framework/index.js";
import type { Environment } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const MAX_RANDOM_BYTES = 131_072;
const DEFAULT_RANDOM_BYTES = 32;
const SOURCES = ["platform", "seal", "all"];
const ALGORITHMS: Readonly<Record<string, string>> = {
  "sha2-224": "sha224", "sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512",
  "sha3-224": "sha3-224", "sha3-256": "sha3-256", "sha3-384": "sha3-384", "sha3-512": "sha3-512",
};

function encode(bytes: Uint8Array, format: string): string {
  if (format !== "hex" && format !== "base64") throw invalid(`unsupported encoding format ${JSON.stringify(format)}; must be "hex" or "base64"`);
  return Buffer.from(bytes).toString(format);
}

export interface RandomInput { readonly bytes: number; readonly urlbytes: string; readonly urlcount: string; readonly source: string; readonly format: string }

/** Random bytes, as tools/random and transit give them. Throws RequestError 400. */
export function randomAnswer(input: RandomInput, env: Environment) {
  // One path parameter is a source or a number; two are a source and a number.
  const named = input.urlcount !== "" || SOURCES.includes(input.urlbytes);
  const source = named ? input.urlbytes : input.source;
  const text = named ? input.urlcount : input.urlbytes;
  if (!SOURCES.includes(source)) throw invalid(`unsupported entropy source ${JSON.stringify(source)}; must be "platform" or "seal", or "all"`);
  if (text !== "" && !/^-?\d+$/.test(text)) throw invalid("error parsing url-set byte count");
  const count = text === "" ? input.bytes : Number(text);
  if (count < 1) throw invalid("'bytes' cannot be less than 1");
  if (count > MAX_RANDOM_BYTES) throw invalid(`'bytes' should be less than ${MAX_RANDOM_BYTES}`);
  encode(new Uint8Array(0), input.format);
  return data({ random_bytes: encode(env.randomBytes(count), input.format) });
}

/** A digest, as tools/hash and transit give it. Throws RequestError 400. */
export function hashAnswer(input: { readonly input: string; readonly algorithm: string; readonly urlalgorithm: string; readonly format: string }) {
  const bytes = Buffer.from(input.input, "base64");
  const bare = input.input.replace(/[\r\n]/g, "");
  if (bytes.toString("base64") !== bare) throw invalid("unable to decode input as base64: illegal base64 data");
  const algorithm = input.urlalgorithm || input.algorithm;
  const name = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
  if (!name) throw invalid(`unsupported algorithm ${algorithm}`);
  return data({ sum: encode(createHash(name).update(bytes).digest(), input.format) });
}

export const RANDOM_FIELDS = {
  urlbytes: field.string({ description: "Number of bytes, or a source, in the path.", default: "" }),
  urlcount: field.string({ description: "Number of bytes, after the source in the path.", default: "" }),
  bytes: field.int({ description: "Number of bytes.", default: DEFAULT_RANDOM_BYTES }),
  source: field.string({ description: "Where the bytes come from; all sources are the platform's.", default: "platform" }),
  format: field.string({ description: "Encoding: hex or base64.", default: "base64" }),
};
export const HASH_FIELDS = {
  input: field.string({ description: "What to hash, in base64.", sensitive: true, default: "" }),
  algorithm: field.string({ description: "Hash function.", default: "sha2-256" }),
  urlalgorithm: field.string({ description: "Hash function, in the path.", default: "" }),
  format: field.string({ description: "Encoding: hex or base64.", default: "hex" }),
};
const RANDOM_HELP = { synopsis: "Gives random bytes.", description: "From the same source as keys and tokens." };
const HASH_HELP = { synopsis: "Hashes a value.", description: "With a function of the SHA-2 or SHA-3 family." };

export const toolPaths: readonly SystemPath[] = [
  ...(["tools/random", "tools/random/{urlbytes}", "tools/random/{urlbytes}/{urlcount}"] as const).map((template) =>
    systemPath({
      template: template as "tools/random",
      help: RANDOM_HELP,
      fields: RANDOM_FIELDS,
      operations: { update: { summary: "Gives random bytes.", effect: "read", thisNode: true, handler: ({ input }, _storage, { env }) => randomAnswer(input, env) } },
    })),
  ...(["tools/hash", "tools/hash/{urlalgorithm}"] as const).map((template) =>
    systemPath({
      template: template as "tools/hash",
      help: HASH_HELP,
      fields: HASH_FIELDS,
      operations: { update: { summary: "Hashes a value.", effect: "read", thisNode: true, handler: ({ input }) => hashAnswer(input) } },
    })),
  systemPath({
    template: "decode-token",
    help: { synopsis: "Decodes a generated root token.", description: "With the one-time password it was encoded with." },
    fields: {
      encoded_token: field.string({ description: "The encoded token.", sensitive: true, default: "" }),
      otp: field.string({ description: "The one-time password.", sensitive: true, default: "" }),
    },
    operations: {
      update: {
        summary: "Decodes a generated root token.", effect: "read", access: "none", thisNode: true,
        handler: ({ input }) => {
          if (input.encoded_token === "" || input.otp === "") throw invalid("provided 'encoded_token' or 'otp' is empty");
          const encoded = Buffer.from(input.encoded_token, "base64");
          const otp = Buffer.from(input.otp, "utf8");
          if (encoded.length !== otp.length) throw invalid(`error xoring token: length of byte slices is not equivalent: ${encoded.length} != ${otp.length}`);
          return data({ token: Buffer.from(encoded.map((byte, at) => byte ^ otp[at]!)).toString("utf8") });
        },
      },
    },
  }),
];

import { data, definePath, field, invalid } from "@coffer/state-machine";
import { ASSOCIATED_DATA, CONTEXT, KEY_VERSION, NAME, NONCE, optionsOf, requireKey } from "./crypto-fields.js";
import { encrypt } from "./encryption.js";

const BITS = [128, 256, 512];
const BITS_A_BYTE = 8;

export const datakeyPath = definePath({
  template: "datakey/{plaintext}/{name}",
  help: {
    synopsis: "Makes a random key, encrypted with a named key.",
    description: "For encrypting much data at its own place: keep the ciphertext beside the data, and have it decrypted when the data is needed. Nothing is stored.",
  },
  fields: {
    plaintext: field.string({ description: "What comes back: `plaintext` gives the key itself and its ciphertext; `wrapped` only the ciphertext.", required: true }),
    name: NAME,
    context: CONTEXT,
    bits: field.int({ description: "Size of the key: 128, 256 or 512 bits.", default: 256 }),
    key_version: KEY_VERSION,
    associated_data: ASSOCIATED_DATA,
    nonce: NONCE,
  },
  operations: {
    update: {
      effect: "read",
      summary: "Make a data key.",
      handler({ input }, storage, { env }) {
        if (input.plaintext !== "plaintext" && input.plaintext !== "wrapped") throw invalid("Invalid path, must be 'plaintext' or 'wrapped'");
        const key = requireKey(storage, input.name, "encryption key");
        if (!BITS.includes(input.bits)) throw invalid("invalid bit length");
        const made = Buffer.from(env.randomBytes(input.bits / BITS_A_BYTE));
        const { ciphertext, version } = encrypt(storage, key, made, input.key_version, optionsOf({ context: input.context, associated_data: input.associated_data, nonce: input.nonce }), env);
        return data({ ciphertext, key_version: version, ...(input.plaintext === "plaintext" && { plaintext: made.toString("base64") }) });
      },
    },
  },
});

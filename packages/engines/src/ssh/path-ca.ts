import { data, definePath, field, invalid, NO_CONTENT, raw } from "@coffer/state-machine";
import { newKeyPair, signerOf } from "./key-pair.js";
import { parsePublicKey } from "./public-key.js";
import { deleteCa, getCa, putCa } from "./storage.js";

const UNCONFIGURED = "keys haven't been configured yet";

export const caPath = definePath({
  template: "config/ca",
  help: { synopsis: "The key pair that certificates are signed with.", description: "It is generated here, or comes from outside. There is one at a time: it is deleted before another takes its place." },
  fields: {
    generate_signing_key: field.bool({ description: "Whether the key pair is generated here; it is unless one is given." }),
    private_key: field.string({ description: "Private key of the CA, in PEM, unencrypted.", default: "", sensitive: true }),
    public_key: field.string({ description: "Public key of the CA.", default: "" }),
    key_type: field.string({ description: "Type of a generated key: ssh-rsa, ssh-ed25519, ecdsa-sha2-nistp256 and so on, or rsa, ed25519, ec.", default: "ssh-rsa" }),
    key_bits: field.int({ description: "Size of a generated key; 0 for the usual one.", default: 0 }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the CA's public key.",
      handler(_request, storage) {
        const ca = getCa(storage);
        if (!ca) throw invalid(UNCONFIGURED);
        return data({ public_key: ca.publicKey });
      },
    },
    update: {
      effect: "write",
      summary: "Generate or set the CA's key pair.",
      async handler({ input }, storage) {
        const { private_key, public_key, generate_signing_key } = input;
        const isGiven = private_key !== "" || public_key !== "";
        if (getCa(storage)) throw invalid("keys are already configured; delete them before reconfiguring");
        if (generate_signing_key === true && isGiven) throw invalid("public_key and private_key must not be set when generate_signing_key is set to true");
        if (isGiven && (private_key === "" || public_key === "")) throw invalid("only one of public_key and private_key set; both must be set to use, or both must be blank to auto-generate");
        if (isGiven) {
          const signer = signerOf(private_key);
          if (!parsePublicKey(public_key).blob.equals(signer.publicKey.blob)) throw invalid("public_key is not that of private_key");
          putCa(storage, { privateKey: private_key, publicKey: public_key });
          return NO_CONTENT;
        }
        if (generate_signing_key === false) throw invalid("missing public_key");
        const pair = await newKeyPair(input.key_type, input.key_bits);
        putCa(storage, pair);
        return data({ public_key: pair.publicKey });
      },
    },
    delete: {
      effect: "write",
      summary: "Delete the CA's key pair. What it signed stays valid.",
      handler(_request, storage) {
        deleteCa(storage);
        return NO_CONTENT;
      },
    },
  },
});

export const publicKeyPath = definePath({
  template: "public_key",
  help: { synopsis: "The CA's public key, as a file for sshd.", description: "Anybody may fetch it: `TrustedUserCAKeys` of sshd, or a line of known_hosts." },
  fields: {},
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Fetch the CA's public key.",
      handler(_request, storage) {
        const ca = getCa(storage);
        if (!ca) throw invalid(UNCONFIGURED);
        return raw(ca.publicKey, "text/plain");
      },
    },
  },
});

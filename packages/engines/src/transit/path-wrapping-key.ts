import { data, definePath } from "@coffer/state-machine";
import { newVersion } from "./generate.js";
import { publicKey } from "./material.js";
import { getWrappingKey, putWrappingKey } from "./storage.js";

export const wrappingKeyPath = definePath({
  template: "wrapping_key",
  help: { synopsis: "Shows the public key that keys to be imported are wrapped for.", description: "An RSA key of 4096 bits, made when it is first read." },
  fields: {},
  operations: {
    read: {
      // Making it takes seconds, which a standby should not spend in vain.
      effect: "write",
      summary: "Read the wrapping key.",
      async handler(_request, storage, { env }) {
        let version = getWrappingKey(storage);
        if (!version) {
          version = await newVersion({ type: "rsa-4096", key_size: 0, convergent_encryption: false }, env);
          putWrappingKey(storage, version);
        }
        return data({ public_key: publicKey(version).export({ format: "pem", type: "spki" }) });
      },
    },
  },
});

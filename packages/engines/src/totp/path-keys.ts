import { data, definePath, field, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { totpOf } from "./codes.js";
import { keyFrom } from "./key-input.js";
import { nameWithAt } from "./name.js";
import { qrCode } from "./qr-code.js";
import { deleteKey, getKey, KEY_FOLDER, putKey } from "./storage.js";

export const keysPath = definePath({
  template: "keys",
  help: { synopsis: "Lists the keys.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List the keys.",
      handler: async ({ input }, storage) => keyList(await storage.list(KEY_FOLDER, input)),
    },
  },
});

export const keyPath = definePath({
  template: "keys/{name}",
  help: { synopsis: "Makes, takes over, reads and deletes keys.", description: "A key is generated here, for somebody who proves with codes who they are; or comes from a service that asks for codes. Reading does not show the secret." },
  fields: {
    name: nameWithAt({ description: "Name of the key.", required: true }),
    generate: field.bool({ description: "Whether the key is generated here.", default: false }),
    exported: field.bool({ description: "Whether a generated key is shown, once, as URL and QR code.", default: true }),
    key_size: field.int({ description: "Bytes of a generated key.", default: 20 }),
    key: field.string({ description: "A key that is not generated, in base32.", default: "", sensitive: true }),
    url: field.string({ description: "An otpauth URL with a key that is not generated, and its settings.", default: "", sensitive: true }),
    issuer: field.string({ description: "Who issues the key. Required for generated ones.", default: "" }),
    account_name: field.string({ description: "Whose key it is. Required for generated ones.", default: "" }),
    period: field.duration({ description: "How long a code is valid.", default: 30 }),
    algorithm: field.string({ description: "Hash function of the codes: SHA1, SHA256 or SHA512.", default: "SHA1" }),
    digits: field.int({ description: "Digits of a code: 6 or 8.", default: 6 }),
    skew: field.int({ description: "How many periods before and after now are taken when validating: 0 or 1.", default: 1 }),
    qr_size: field.int({ description: "Pixels of one side of the QR code; 0 for none.", default: 200 }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the settings of a key.",
      handler({ input }, storage) {
        const key = getKey(storage, input.name);
        return key && data({ issuer: key.issuer, account_name: key.account_name, period: key.period, algorithm: key.algorithm, digits: key.digits });
      },
    },
    update: {
      effect: "write",
      summary: "Generate a key, or take one over. One of this name is replaced.",
      async handler({ input }, storage, { env }) {
        const key = keyFrom(input, env);
        putKey(storage, input.name, key);
        if (!input.generate || !input.exported) return NO_CONTENT;
        const url = totpOf(key).toString();
        return data({ url, ...(input.qr_size > 0 && { barcode: await qrCode(url, input.qr_size) }) });
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a key.",
      handler({ input }, storage) {
        deleteKey(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});
